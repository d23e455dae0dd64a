public import Gradlog

/// How a rule judges: its formula, its thresholds as they stand, and where it comes from.
public struct RuleExplanation: Sendable, Equatable {
  /// A number that a rule judges by.
  public struct Threshold: Sendable, Equatable {
    /// The name by which it is changed, such as `exploding.growth`.
    public let name: String
    /// What it is now.
    public let value: Double
    /// What calibration found.
    public let calibrated: Double
    /// What it bounds, and in which unit.
    public let meaning: String
  }

  /// The rule.
  public let rule: Rule
  /// What the rule finds, in one sentence.
  public let summary: String
  /// When it hits, a line for each of its conditions, thresholds by their names.
  public let formula: String
  /// The numbers in the formula.
  public let thresholds: [Threshold]
  /// Papers and tools that have the rule, or the idea.
  public let sources: [String]

  /// Explains a rule, with the thresholds that a diagnosis would use.
  public init(_ rule: Rule, options: DiagnosisOptions = DiagnosisOptions()) {
    self.rule = rule
    summary = rule.summary
    formula = rule.formula
    sources = rule.sources
    thresholds = Thresholds.all.filter { $0.rules.contains(rule) }
      .map { Threshold($0, in: options.thresholds) }
  }
}

extension RuleExplanation.Threshold {
  init(_ threshold: ThresholdName, in thresholds: Thresholds) {
    self.init(
      name: threshold.name, value: thresholds[threshold], calibrated: Thresholds()[threshold],
      meaning: threshold.meaning)
  }
}

extension Rule {
  /// Finds a rule by the name that findings have.
  ///
  /// - Throws: ``GradlogError`` that names the nearest one and all others.
  public static func named(_ name: String) throws(GradlogError) -> Rule {
    if let rule = Rule(rawValue: name) { return rule }
    throw GradlogError(
      .invalidArgument, "there is no rule '\(name)'",
      remedy: NearestName.remedy(for: name, among: allCases.map(\.rawValue), kind: "rules"))
  }

  /// What the rule finds, in one sentence.
  public var summary: String {
    switch self {
    case .nonFinite: "A gradient or the loss has NaN or infinite elements."
    case .exploding: "The gradients outgrow their own history, or break an absolute bound."
    case .vanishing: "The gradients do not reach the first layers, or no layer at all."
    case .dead: "Units give out nothing, so that their gradient is exactly zero in every batch."
    case .stagnation: "The training goes nowhere."
    case .oscillation: "Each gradient points against the one before: the steps are too large."
    case .underflow: "Gradients are lost below the smallest number of a 16-bit type."
    case .absent: "A weight never receives a gradient, or no longer does."
    case .accumulating:
      "Gradients are not zeroed between steps, so that each contains those before."
    case .noiseScale: "How much of a batch's gradient is noise: information, no trouble."
    }
  }
}
