public import Gradlog

/// What a rule says of one weight of a run, or of the whole network of an optimizer.
public struct DiagnosedFinding: Sendable, Equatable {
  /// A batch of the training.
  public struct Place: Sendable, Equatable {
    /// The epoch, zero-based.
    public let epoch: Int
    /// The batch within the epoch, zero-based.
    public let batch: Int
    /// The optimizer step, zero-based.
    public let step: Int
    /// Its key in the file.
    let batchID: Int64
  }

  /// The rule that was broken.
  public let rule: Rule
  /// How bad it is.
  public let severity: Rule.Severity
  /// The name of the weight; nil when it is about the whole network. A rule that judges the network may name
  /// the weight in which the trouble began.
  public let weight: String?
  /// The weight's place in the order from the input towards the loss; nil when it is about the network.
  public let position: Int?
  /// Which of several optimizers has the batches that show it; empty when there is one.
  public let optimizer: String
  /// Whether the run has other optimizers too, so that words have to name this one.
  let isOneOfSeveral: Bool
  /// The batch in which the trouble began, which may be before the rule was sure of it.
  public let first: Place
  /// The last batch that shows it.
  public let last: Place
  /// Batches that show it.
  public let batches: Int
  /// The worst value, in ``unit``; NaN when the rule knows none.
  public let value: Double
  /// What the value was before, or should be, in the same unit; nil when the rule knows none.
  public let baseline: Double?
  /// The bound that the value broke, in the same unit.
  public let threshold: Double
  /// What was seen, as one sentence without a full stop.
  public let evidence: String
  /// What to try, as one sentence without a full stop.
  public let advice: String
  /// Which of the rule's conditions hit.
  let symptom: Symptom
  /// Whether it was seen last well before the end of the run.
  public let isPast: Bool

  /// What value, baseline and threshold measure, such as `norm`.
  public var unit: String { symptom.unit }

  /// The optimizer in words, such as `optimizer 'critic'`; nil when the run has but one, or this one has no name.
  public var namedOptimizer: String? {
    isOneOfSeveral && !optimizer.isEmpty ? "optimizer '\(DisplayText.printable(optimizer))'" : nil
  }
}

extension DiagnosedFinding {
  /// Steps within which some rules judge once: what was seen so shortly before the end still lasts.
  private static let patience = 32

  init(_ finding: Finding, of run: ReplayedRun) {
    let weight = finding.weight.map { run.weights[$0] }
    let name = weight.map(\.name)
    self.init(
      rule: finding.rule, severity: finding.severity, weight: name,
      position: weight.map(\.observed.position), optimizer: run.optimizers[finding.optimizer],
      isOneOfSeveral: run.optimizers.count > 1, first: Place(finding.first),
      last: Place(finding.last), batches: finding.batchCount, value: finding.value,
      baseline: finding.baseline, threshold: finding.threshold,
      evidence: finding.evidence(of: name), advice: finding.advice(of: name),
      symptom: finding.symptom,
      isPast: finding.isOver || finding.last.step < run.lastStep - Self.patience)
  }
}

extension DiagnosedFinding.Place {
  fileprivate init(_ place: BatchPlace) {
    self.init(epoch: place.epoch, batch: place.batch, step: place.step, batchID: place.batchID)
  }
}
