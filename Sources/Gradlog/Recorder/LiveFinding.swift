/// What a rule began to say, about one weight or the whole network of an optimizer, while the training ran.
public struct LiveFinding: Sendable, Equatable {
  /// The rule that is broken.
  public let rule: Rule
  /// How bad it is.
  public let severity: Rule.Severity
  /// The name of the weight; nil when it is about the whole network.
  public let weight: String?
  /// Which of several optimizers has the batches that show it; empty when there is one.
  public let optimizer: String
  /// The epoch of the batch in which the trouble began, which may be before the rule was sure of it.
  public let epoch: Int
  /// That batch.
  public let batch: Int
  /// Its step.
  public let step: Int
  /// The number that the rule judges; docs/FileFormat.md tells what it measures.
  public let value: Double
  /// What that was before, or should be; nil when the rule knows none.
  public let baseline: Double?
  /// The bound that the value breaks.
  public let threshold: Double
  /// What was seen, as one sentence.
  public let evidence: String
  /// What to try, as one sentence.
  public let advice: String

  init(_ finding: Finding, of weight: String?, optimizer: String) {
    rule = finding.rule
    severity = finding.severity
    (self.weight, self.optimizer) = (weight, optimizer)
    epoch = finding.first.epoch
    batch = finding.first.batch
    step = finding.first.step
    value = finding.value
    baseline = finding.baseline
    threshold = finding.threshold
    evidence = finding.evidence(of: weight)
    advice = finding.advice(of: weight)
  }
}

extension LiveFinding: CustomStringConvertible {
  /// The finding and what to try, as one line.
  public var description: String {
    "\(severity.rawValue) \(rule.rawValue)\(ofOptimizer) since epoch \(epoch), batch \(batch): \(evidence); \(advice)"
  }

  /// Names the optimizer if it has a name: whether there will be others cannot be known yet.
  var ofOptimizer: String { optimizer.isEmpty ? "" : " of optimizer '\(optimizer)'" }
}

extension GradientRecorder {
  /// When a training should end early.
  public enum StopCondition: Sendable, Equatable {
    /// When this rule hits with more than an information.
    case rule(Rule)
    /// When any rule of this severity or a worse one hits.
    case severity(Rule.Severity)

    /// The conditions by their names: those of the rules, `warning` and `critical`.
    package static var named: [String: StopCondition] {
      var conditions: [String: StopCondition] = [
        Rule.Severity.warning.rawValue: .severity(.warning),
        Rule.Severity.critical.rawValue: .severity(.critical),
      ]
      for rule in Rule.allCases { conditions[rule.rawValue] = .rule(rule) }
      return conditions
    }

    func holds(for finding: LiveFinding) -> Bool {
      switch self {
      case .rule(let rule): finding.rule == rule
      case .severity(let severity): finding.severity >= severity
      }
    }
  }
}
