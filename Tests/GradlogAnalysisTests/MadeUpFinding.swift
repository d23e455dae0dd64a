@testable import Gradlog
@testable import GradlogAnalysis

extension DiagnosedFinding {
  /// A finding of the symptom that a rule mostly has, in epoch 0; `isPast` when it is not seen to the end.
  static func made(
    _ rule: Rule, _ severity: Rule.Severity = .critical, _ weight: String? = nil,
    position: Int? = nil, at step: Int, until last: Int, _ symptom: Symptom? = nil,
    value: Double = 1, baseline: Double? = nil, isPast: Bool = false, optimizer: String = "",
    isOneOfSeveral: Bool = false
  ) -> DiagnosedFinding {
    func place(_ step: Int) -> Place {
      Place(epoch: 0, batch: step, step: step, batchID: Int64(step))
    }
    return DiagnosedFinding(
      rule: rule, severity: severity, weight: weight, position: position, optimizer: optimizer,
      isOneOfSeveral: isOneOfSeveral, first: place(step),
      last: place(last), batches: last - step + 1, value: value, baseline: baseline, threshold: 0,
      evidence: "seen", advice: "do", symptom: symptom ?? rule.usualSymptom, isPast: isPast)
  }
}

extension Rule {
  fileprivate var usualSymptom: Symptom {
    switch self {
    case .nonFinite: .nonFinite(nan: 1, posinf: 0, neginf: 0)
    case .exploding: .jump
    case .vanishing: .depth
    case .dead: .deadUnits
    case .stagnation: .flatLoss
    case .oscillation: .turning
    case .underflow: .underflow
    case .absent: .never
    case .accumulating: .accumulating
    case .noiseScale: .noise
    }
  }
}
