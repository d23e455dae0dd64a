/// A condition on the statistics of one gradient that means trouble.
///
/// These look at one gradient at a time and cost nothing, so the recorder applies them to every one.
/// What needs history or the other layers is asked of the file (`queries/vanishing.sql`,
/// `queries/exploding.sql`).
public enum Rule: String, Sendable, CaseIterable {
  /// A NaN or infinite element (SageMaker Debugger's ExplodingTensor).
  case nonFinite = "nonfinite"
  /// norm > 10¹⁰ (msprobe's AnomalyNan).
  case exploding
  /// Every element is zero, in a tensor that has elements (SageMaker Debugger's AllZero).
  case allZero = "all-zero"
  /// Mean magnitude below 10⁻⁷, yet not zero (SageMaker Debugger's VanishingGradient).
  case vanishing

  /// How bad a finding is.
  public enum Severity: String, Sendable {
    /// Training may still succeed.
    case warning
    /// Training is broken from here on.
    case critical
  }

  /// How bad it is that this rule hits.
  public var severity: Severity {
    switch self {
    case .nonFinite, .exploding: .critical
    case .allZero, .vanishing: .warning
    }
  }

  /// The bound that the rule compares with, in the unit of ``value(of:)``.
  public var threshold: Double {
    switch self {
    case .nonFinite: 0
    case .exploding: 1e10
    case .allZero: 1
    case .vanishing: 1e-7
    }
  }

  /// What to try when the rule hits.
  public var advice: String {
    switch self {
    case .nonFinite:
      "look at the first batch of it: lower the learning rate, clip gradients, check the inputs for NaN"
    case .exploding:
      "lower the learning rate, clip gradients by norm, standardize inputs and targets"
    case .allZero:
      "check for dead units, a frozen path or a loss that does not depend on this weight"
    case .vanishing: "use ReLU-like activations, He initialization, normalization or residual paths"
    }
  }

  /// The number that the rule judges: non-finite elements, the norm, the share of zeros, the mean
  /// magnitude. nil when the rule does not hit.
  func value(of statistics: GradientStatistics) -> Double? {
    switch self {
    case .nonFinite:
      return statistics.nonFiniteCount > 0 ? Double(statistics.nonFiniteCount) : nil
    case .exploding:
      guard let norm = statistics.norm, norm > threshold else { return nil }
      return norm
    case .allZero:
      return statistics.elementCount > 0 && statistics.zeroCount == statistics.elementCount
        ? 1 : nil
    case .vanishing:
      guard let meanAbs = statistics.meanAbs, meanAbs > 0, meanAbs < threshold else { return nil }
      return meanAbs
    }
  }

  /// Whether `value` is worse than `other`.
  func isWorse(_ value: Double, than other: Double) -> Bool {
    self == .vanishing ? value < other : value > other
  }
}
