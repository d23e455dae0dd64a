/// An activation function, with Keras 3's name, definition and defaults.
///
/// Source: Keras 3, `keras/src/activations/activations.py`.
public enum Activation: Sendable, Equatable {
  /// f(x) = x.
  case linear
  /// f(x) = max(x, 0); its slope at 0 is 0.
  case relu
  /// f(x) = x for x > 0, otherwise negativeSlope·x. Keras's default slope is 0.2.
  case leakyReLU(negativeSlope: Double = 0.2)
  /// f(x) = x for x > 0, otherwise alpha·(eˣ − 1). Clevert et al., 2016.
  case elu(alpha: Double = 1)
  /// f(x) = x·Φ(x) with the exact normal distribution function Φ. Hendrycks and Gimpel, 2016.
  case gelu
  /// f(x) = ln(1 + eˣ).
  case softplus
  /// f(x) = 1 ÷ (1 + e⁻ˣ).
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
  /// f(x)ᵢ = e^xᵢ ÷ Σⱼ e^xⱼ over the units of a row.
  case softmax

  /// Every activation with its default parameters.
  public static let all: [Activation] = [
    .linear, .relu, .leakyReLU(), .elu(), .gelu, .softplus, .sigmoid, .tanh, .softmax,
  ]

  /// Keras's name.
  public var name: String {
    switch self {
    case .linear: "linear"
    case .relu: "relu"
    case .leakyReLU: "leaky_relu"
    case .elu: "elu"
    case .gelu: "gelu"
    case .softplus: "softplus"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .softmax: "softmax"
    }
  }

  /// Finds an activation by Keras's name, with its default parameters; nil when there is none.
  public init?(name: String) {
    guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
