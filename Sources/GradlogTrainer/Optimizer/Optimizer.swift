/// How weights change along their gradients, with Keras 3's names, defaults and arithmetic.
///
/// A value: it describes; the model keeps the moments and velocities. Source: Keras 3,
/// `keras/src/optimizers/`.
public struct Optimizer: Sendable, Equatable {
  /// The update rule with its own parameters.
  public enum Rule: Sendable, Equatable {
    /// Gradient descent: w ← w − η·g; with momentum μ, v ← μ·v − η·g and w ← w + v, or, by Nesterov,
    /// w ← w + μ·v − η·g (Sutskever et al., 2013).
    case sgd(momentum: Double, nesterov: Bool)
    /// w ← w − η·g ÷ √(v + ε), v the running mean of g² (Hinton, 2012); `centered` subtracts the
    /// squared running mean of g from v (Graves, 2013).
    case rmsprop(rho: Double, momentum: Double, epsilon: Double, centered: Bool)
    /// w ← w − η̂·m ÷ (√v + ε), m and v the running means of g and g², η̂ their bias correction
    /// (Kingma and Ba, 2015); `amsgrad` keeps the largest v (Reddi et al., 2018).
    case adam(beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool)
  }

  /// `sgd`, `rmsprop`, `adam` or `adamw`.
  public let name: String

  /// The update rule.
  public let rule: Rule

  /// The size of a step, η.
  public let learningRate: Double

  /// Before each step every trainable weight shrinks by this share times η (Loshchilov and Hutter,
  /// 2019); nil for none.
  public let weightDecay: Double?

  /// What happens to the gradients before the rule sees them; nil for nothing.
  public let clipping: GradientClipping?

  /// Gradient descent; Keras's `SGD`.
  public static func sgd(
    learningRate: Double = 0.01, momentum: Double = 0, nesterov: Bool = false,
    weightDecay: Double? = nil, clipping: GradientClipping? = nil
  ) -> Optimizer {
    Optimizer(
      name: "sgd", rule: .sgd(momentum: momentum, nesterov: nesterov), learningRate: learningRate,
      weightDecay: weightDecay, clipping: clipping)
  }

  /// Keras's `RMSprop`.
  public static func rmsprop(
    learningRate: Double = 0.001, rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7,
    centered: Bool = false, weightDecay: Double? = nil, clipping: GradientClipping? = nil
  ) -> Optimizer {
    Optimizer(
      name: "rmsprop",
      rule: .rmsprop(rho: rho, momentum: momentum, epsilon: epsilon, centered: centered),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Keras's `Adam`.
  public static func adam(
    learningRate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-7, amsgrad: Bool = false, weightDecay: Double? = nil,
    clipping: GradientClipping? = nil
  ) -> Optimizer {
    Optimizer(
      name: "adam", rule: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Keras's `AdamW`: Adam with a weight decay of 0.004.
  public static func adamW(
    learningRate: Double = 0.001, weightDecay: Double = 0.004, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false,
    clipping: GradientClipping? = nil
  ) -> Optimizer {
    Optimizer(
      name: "adamw", rule: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad),
      learningRate: learningRate, weightDecay: weightDecay, clipping: clipping)
  }

  /// Every name.
  public static let names = ["sgd", "rmsprop", "adam", "adamw"]

  /// The same optimizer with steps of another size.
  public func with(learningRate: Double) -> Optimizer {
    Optimizer(
      name: name, rule: rule, learningRate: learningRate, weightDecay: weightDecay,
      clipping: clipping)
  }

  /// Finds an optimizer by Keras's name, in any case, with its defaults; nil when there is none.
  public static func named(_ name: String, learningRate: Double? = nil) -> Optimizer? {
    switch name.lowercased() {
    case "sgd": .sgd(learningRate: learningRate ?? 0.01)
    case "rmsprop": .rmsprop(learningRate: learningRate ?? 0.001)
    case "adam": .adam(learningRate: learningRate ?? 0.001)
    case "adamw": .adamW(learningRate: learningRate ?? 0.001)
    default: nil
    }
  }
}
