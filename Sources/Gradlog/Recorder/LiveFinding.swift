/// What a rule began to say about one weight while the training ran.
public struct LiveFinding: Sendable, Equatable {
  /// The rule that the gradient breaks.
  public let rule: Rule
  /// The name of the weight.
  public let weight: String
  /// The epoch of the batch in which the rule began to hit.
  public let epoch: Int
  /// That batch.
  public let batch: Int
  /// Its step.
  public let step: Int
  /// The number that the rule judges; see ``Rule/threshold``.
  public let value: Double

  /// How bad it is.
  public var severity: Rule.Severity { rule.severity }
}

extension LiveFinding: CustomStringConvertible {
  /// The finding and what to try, as one sentence.
  public var description: String {
    "\(rule.rawValue) gradient of \"\(weight)\" in epoch \(epoch), batch \(batch): \(value); "
      + rule.advice
  }
}

extension GradientRecorder {
  /// When a training should end early.
  public enum StopCondition: Sendable, Equatable {
    /// When this rule begins to hit.
    case rule(Rule)
    /// When any rule of this severity or a worse one begins to hit.
    case severity(Rule.Severity)

    func holds(for finding: LiveFinding) -> Bool {
      switch self {
      case .rule(let rule): finding.rule == rule
      case .severity(.critical): finding.severity == .critical
      case .severity(.warning): true
      }
    }
  }
}
