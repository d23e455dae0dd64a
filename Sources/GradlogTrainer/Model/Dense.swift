/// A fully connected layer: `f(x·kernel + bias)`, as `keras.layers.Dense`.
///
/// x is [rows, inputs], the kernel [inputs, units], the bias [units], the result [rows, units].
public struct Dense: Sendable, Equatable {
  /// The number of outputs, at least 1.
  public var units: Int

  /// What is applied to the weighted sum.
  ///
  /// The default is `linear`.
  public var activation: Activation

  /// Whether there is a bias.
  ///
  /// The default is true.
  public var usesBias: Bool

  /// How the kernel starts.
  ///
  /// The default is `glorotUniform`.
  public var kernelInitializer: Initializer

  /// How the bias starts.
  ///
  /// The default is `zeros`.
  public var biasInitializer: Initializer

  /// Whether training changes the weights.
  ///
  /// A frozen layer takes part in the forward pass, and the gradients of its weights are absent.
  /// The default is true.
  public var isTrainable: Bool

  /// Describes a layer; the number of inputs follows from the layer before it.
  public init(
    _ units: Int, activation: Activation = .linear, usesBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
    isTrainable: Bool = true
  ) {
    self.units = units
    self.activation = activation
    self.usesBias = usesBias
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
    self.isTrainable = isTrainable
  }
}
