public import Gradlog

/// What a rule says of one weight of a run, or of the run's whole network.
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
}

extension DiagnosedFinding {
  /// Steps within which some rules judge once: what was seen so shortly before the end still lasts.
  private static let patience = 32

  /// `weight` is the one that the finding is about, `end` the last step of the run.
  init(_ finding: Finding, of weight: ReplayedWeight?, end: Int) {
    let name = weight.map(\.name)
    self.init(
      rule: finding.rule, severity: finding.severity, weight: name,
      position: weight.map(\.observed.position), first: Place(finding.first),
      last: Place(finding.last), batches: finding.batchCount, value: finding.value,
      baseline: finding.baseline, threshold: finding.threshold,
      evidence: finding.evidence(of: name), advice: finding.advice(of: name),
      symptom: finding.symptom,
      isPast: finding.isOver || finding.last.step < end - Self.patience)
  }
}

extension DiagnosedFinding.Place {
  fileprivate init(_ place: BatchPlace) {
    self.init(epoch: place.epoch, batch: place.batch, step: place.step, batchID: place.batchID)
  }
}
