internal import Gradlog

/// Which trouble leads to which: what makes one story of many findings.
enum Causality {
  /// Steps within which two troubles count as beginning together: rules need some batches to be sure.
  static let simultaneity = 5

  /// Of troubles that begin together, the one that is named first is the cause.
  private static let order: [Rule] = [
    .absent, .underflow, .accumulating, .exploding, .nonFinite, .dead, .vanishing, .oscillation,
    .stagnation, .noiseScale,
  ]

  static func rank(of rule: Rule) -> Int { order.firstIndex(of: rule) ?? order.count }

  /// Whether the symptom `effect` can follow from `cause`.
  static func leads(_ cause: Rule, to effect: Rule) -> Bool {
    cause == effect && cause != .noiseScale || consequences(of: cause).contains(effect)
  }

  /// Once a weight is NaN, nothing that comes later tells anything; too large a step kills units or saturates
  /// them; and whatever keeps gradients from the weights keeps the loss where it is.
  private static func consequences(of cause: Rule) -> Set<Rule> {
    switch cause {
    case .nonFinite: Set(order).subtracting([.noiseScale])
    case .exploding: [.nonFinite, .dead, .vanishing, .oscillation, .stagnation]
    case .accumulating: [.exploding, .nonFinite, .dead, .vanishing, .oscillation, .stagnation]
    case .oscillation: [.exploding, .nonFinite, .dead, .vanishing, .stagnation]
    case .underflow: [.absent, .dead, .vanishing, .stagnation]
    case .absent: [.vanishing, .dead, .stagnation]
    case .vanishing: [.dead, .underflow, .stagnation]
    case .dead: [.vanishing, .stagnation]
    case .stagnation, .noiseScale: []
    }
  }
}
