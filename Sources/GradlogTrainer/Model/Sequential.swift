public import Gradlog

/// A stack of ``Dense`` layers with its loss and its optimizer, as a compiled `keras.Sequential`.
///
///     let model = try Sequential(
///       [Dense(16, activation: .relu), Dense(8, activation: .relu), Dense(1, activation: .sigmoid)],
///       inputs: 10, loss: .binaryCrossentropy, optimizer: .adam())
///     let history = try model.fit(data, batchSize: 32, epochs: 5, callbacks: [GradientPrinter()])
///
/// A model belongs to one thread at a time. Its weights live as long as it does, and a second `fit`
/// continues where the first ended.
public final class Sequential {
  /// The number of values in a row of x.
  public let inputs: Int

  /// The layers, from the input on.
  public let layers: [Dense]

  /// What training minimises.
  public let loss: Loss

  /// How the weights change.
  public let optimizer: Optimizer

  /// What the initial weights and the order of the rows follow from.
  public let seed: UInt64

  /// Every weight, from the input on.
  public let weights: [Weight]

  let network: Network
  let optimizerState: OptimizerState

  /// The largest weight or batch of a layer allowed, 2²⁸ values (1 GiB): beyond it a typing error is likelier than a wish.
  static let largestTensor = 1 << 28

  /// Builds a model and draws its initial weights.
  ///
  /// - Parameters:
  ///   - layers: from the input on; the last one's units are the outputs.
  ///   - inputs: the number of values in a row of x.
  ///   - loss: what training minimises.
  ///   - optimizer: how the weights change.
  ///   - seed: one seed gives one run, on every machine.
  /// - Throws: `invalidArgument` for a layer or an optimizer that cannot be.
  public init(
    _ layers: [Dense], inputs: Int, loss: Loss, optimizer: Optimizer, seed: UInt64 = 0
  ) throws(GradlogError) {
    try Self.check(layers, inputs: inputs)
    try optimizer.check()
    self.inputs = inputs
    self.layers = layers
    self.loss = loss
    self.optimizer = optimizer
    self.seed = seed
    network = Network(layers, inputs: inputs, isClipped: optimizer.clipping != nil)
    weights = network.parameters.map(\.weight)
    optimizerState = OptimizerState(optimizer, parameters: network.parameters)
    initializeWeights()
  }

  /// The number of outputs.
  public var units: Int { layers[layers.count - 1].units }

  /// Optimizer steps taken so far.
  public var step: Int { optimizerState.step }

  /// A copy of a weight's values, row by row.
  ///
  /// - Throws: `notFound` for a name that no weight has.
  public func values(of name: String) throws(GradlogError) -> [Float] {
    Array(try parameter(name).values.values)
  }

  /// Replaces a weight's values.
  ///
  /// - Throws: `notFound` for a name that no weight has, `invalidTensor` for the wrong number of values.
  public func setValues(_ values: [Float], of name: String) throws(GradlogError) {
    let parameter = try parameter(name)
    guard values.count == parameter.weight.elementCount else {
      throw GradlogError(
        .invalidTensor,
        "\(name) of shape \(parameter.weight.shape) cannot hold \(values.count) values",
        remedy: "pass \(parameter.weight.elementCount) values, row by row")
    }
    parameter.values.assign(values)
  }

  private func parameter(_ name: String) throws(GradlogError) -> Parameter {
    guard let found = network.parameters.first(where: { $0.weight.name == name }) else {
      let names = weights.map(\.name)
      throw GradlogError(
        .notFound, "the model has no weight \"\(name)\"",
        remedy: NearestName.remedy(for: name, among: names, kind: "weights"))
    }
    return found
  }

  private func initializeWeights() {
    var source = RandomSource(seed: seed)
    for (index, layer) in layers.enumerated() {
      for parameter in network.parameters
      where parameter.weight.name.hasPrefix("dense_\(index)/") {
        let isBias = parameter.weight.shape.count == 1
        let initializer = isBias ? layer.biasInitializer : layer.kernelInitializer
        parameter.values.assign(initializer.values(shape: parameter.weight.shape, using: &source))
      }
    }
  }

  private static func check(_ layers: [Dense], inputs: Int) throws(GradlogError) {
    guard !layers.isEmpty else {
      throw GradlogError(
        .invalidArgument, "the model has no layers", remedy: "give it one Dense layer at least")
    }
    guard inputs >= 1 else {
      throw GradlogError(
        .invalidArgument, "the model has \(inputs) inputs",
        remedy: "give each row of x one value at least")
    }
    var width = inputs
    for (index, layer) in layers.enumerated() {
      guard layer.units >= 1 else {
        throw GradlogError(
          .invalidArgument, "layer \(index) has \(layer.units) units",
          remedy: "give it one unit at least")
      }
      let (count, overflow) = width.multipliedReportingOverflow(by: layer.units)
      guard !overflow, count <= largestTensor else {
        throw GradlogError(
          .invalidArgument,
          "the kernel of layer \(index) would be \(width) × \(layer.units), over \(largestTensor) values",
          remedy: "use fewer units")
      }
      width = layer.units
    }
  }
}
