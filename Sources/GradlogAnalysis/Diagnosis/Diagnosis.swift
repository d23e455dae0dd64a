public import Gradlog

/// What is wrong with one run, or one rank of it, as its gradients show it.
public struct Diagnosis: Sendable, Equatable {
  /// The verdict in a word.
  public enum Verdict: String, Sendable, CaseIterable {
    /// Nothing worth a warning.
    case healthy
    /// Training may still succeed.
    case warning
    /// At least one finding is critical.
    case sick
  }

  /// Name of the run.
  public let run: String
  /// Index of the process in a distributed run.
  public let rank: Int
  /// Batches that were looked at.
  public let batches: Int
  /// Weights that were looked at.
  public let weights: Int
  /// The findings by their causes, the worst first.
  public let stories: [Story]
  /// How large the gradients of the kernels are, from the input to the loss.
  public let profile: DepthProfile

  /// Every finding: the first is the cause of the first story.
  public var findings: [DiagnosedFinding] { stories.flatMap(\.findings) }

  /// The verdict in a word.
  public var verdict: Verdict {
    switch stories.map(\.severity).max() ?? .info {
    case .critical: .sick
    case .warning: .warning
    case .info: .healthy
    }
  }

  /// What is wrong before anything else: the rule of the first cause; nil when the run is healthy.
  public var `class`: Rule? { verdict == .healthy ? nil : stories.first?.cause.rule }
}

/// What a diagnosis is to look at, and how.
public struct DiagnosisOptions: Sendable, Equatable {
  /// Name of the run; nil for all.
  public var run: String?
  /// The rules whose findings count; empty for all.
  public var rules: Set<Rule> = []
  package var thresholds = Thresholds()

  /// Everything, by the calibrated thresholds.
  public init() {}

  /// Changes a threshold.
  ///
  /// - Parameters:
  ///   - name: such as `exploding.growth`; ``RuleExplanation/thresholds`` lists those of a rule.
  ///   - value: a number.
  /// - Throws: ``GradlogError`` with the nearest name for one that does not exist, and for a value that it
  ///   cannot have.
  public mutating func set(_ name: String, to value: Double) throws(GradlogError) {
    guard let threshold = Thresholds.all.first(where: { $0.name == name }) else {
      throw GradlogError(
        .invalidArgument, "there is no threshold '\(name)'",
        remedy: NearestName.remedy(for: name, among: Thresholds.all.map(\.name), noun: "threshold"))
    }
    guard threshold.range.contains(value) else {
      let range = threshold.range
      throw GradlogError(
        .invalidArgument, "the threshold '\(name)' cannot be \(value)",
        remedy: "give a number from \(range.lowerBound) to \(range.upperBound)")
    }
    thresholds[threshold] = value
  }

  /// The thresholds that differ from the calibrated ones.
  public var changedThresholds: [RuleExplanation.Threshold] {
    Thresholds.all.map { RuleExplanation.Threshold($0, in: thresholds) }
      .filter { $0.value != $0.calibrated }
  }
}

extension Recording {
  /// Replays the detectors over what the file holds: the same findings as while the training ran.
  ///
  /// - Returns: one diagnosis for each run and rank, in the order in which they began.
  /// - Throws: ``GradlogError`` for a run that does not exist, and when the file cannot be read.
  public func diagnose(_ options: DiagnosisOptions = DiagnosisOptions()) throws -> [Diagnosis] {
    var filter = RowFilter()
    filter.run = options.run
    try check(filter)
    return try read { db in
      let replay = try Replay(options.run.map(RunScope.named) ?? .all, options.thresholds, in: db)
      return try replay.runs.map { run in
        let findings = run.findings.filter {
          options.rules.isEmpty || options.rules.contains($0.rule)
        }
        let stories = Story.stories(of: findings.map { DiagnosedFinding($0, of: run) })
        return Diagnosis(
          run: run.name, rank: run.rank, batches: run.batchCount, weights: run.weights.count,
          stories: stories,
          profile: try DepthProfile(of: run, around: stories.first?.cause, in: db))
      }
    }
  }
}
