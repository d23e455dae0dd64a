/// A condition on the gradients of a batch that means trouble. The recorder applies every one to each
/// batch; the questions `nonfinite`, `exploding`, `dead` and `vanishing` ask the file the same with
/// more of the run in view.
public enum Rule: String, Sendable, CaseIterable {
  /// A NaN or infinite element (SageMaker Debugger's ExplodingTensor).
  case nonFinite = "nonfinite"
  /// norm > 10¹⁰ (msprobe's AnomalyNan).
  case exploding
  /// Every element is zero in 20 batches in a row, in a tensor that has elements, while the loss is
  /// not zero (SageMaker Debugger's AllZero, held).
  case allZero = "all-zero"
  /// In 3 batches in a row either the mean magnitude of the non-zero elements is below 10⁻⁷ while the
  /// last kernel's norm is at least a tenth of the largest it has been (SageMaker Debugger's
  /// VanishingGradient, held), or a kernel's norm is below 10⁻³ of the last kernel's and small in
  /// itself (AutoTrainer).
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

  /// The bound that is written beside a finding: of the non-finite elements, the norm, the share of
  /// zeros, the mean magnitude.
  public var threshold: Double {
    switch self {
    case .nonFinite: 0
    case .exploding: 1e10
    case .allZero: 1
    case .vanishing: 1e-7
    }
  }

  /// Batches in a row that must break the rule.
  var patience: Int {
    switch self {
    case .nonFinite, .exploding: 1
    case .allZero: 20
    case .vanishing: 3
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

  /// The number that the rule judges in one gradient; nil when the gradient does not break it.
  func value(of gradient: InspectedGradient, in batch: InspectedBatch) -> Double? {
    switch self {
    case .nonFinite: gradient.nonFiniteCount > 0 ? Double(gradient.nonFiniteCount) : nil
    case .exploding: gradient.norm.flatMap { $0 > threshold ? $0 : nil }
    case .allZero: gradient.isAllZero && batch.loss != 0 ? 1 : nil
    case .vanishing: Self.vanishingValue(of: gradient, in: batch)
    }
  }

  private static func vanishingValue(
    of gradient: InspectedGradient, in batch: InspectedBatch
  ) -> Double? {
    guard let mean = gradient.meanAbsNonZero, let norm = gradient.norm, let last = batch.lastKernel,
      let lastNorm = last.norm, gradient.nonFiniteCount == 0
    else { return nil }
    let isAlive = lastNorm >= 0.1 * batch.largestLastNorm
    // What lies behind the last kernel is its bias, which reaches its optimum first.
    let isTiny = mean < 1e-7 && isAlive && gradient.position <= last.position
    let isSmall = norm < 1e-3 * lastNorm && norm < 1e-4 * max(1, lastNorm)
    return isTiny || (isSmall && gradient.isKernel && gradient.position < last.position)
      ? mean : nil
  }

  /// Whether `value` is worse than `other`.
  func isWorse(_ value: Double, than other: Double) -> Bool {
    self == .vanishing ? value < other : value > other
  }
}
