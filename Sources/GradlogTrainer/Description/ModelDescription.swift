public import Gradlog

/// A model and how to train it, as a JSON file describes it; the reference trajectories are such files.
///
///     {"layers": [{"units": 16, "activation": "relu"}, {"units": 1, "activation": "sigmoid"}],
///      "loss": "binary_crossentropy", "optimizer": {"name": "adam", "learning_rate": 0.01},
///      "batch_size": 32, "epochs": 5, "shuffle": true, "seed": 7, "x": [[…], …], "y": [[…], …]}
///
/// Names and defaults are Keras 3's. Keys at the top that are not named here are ignored.
public struct ModelDescription: Sendable, Equatable {
  /// What the file calls itself; nil when it does not.
  public var name: String?

  /// The layers, from the input on.
  public var layers: [Dense]

  /// What training minimises.
  public var loss: Loss

  /// How the weights change.
  public var optimizer: Optimizer

  /// Rows per step.
  ///
  /// The default is 32.
  public var batchSize: Int

  /// How many epochs to train.
  ///
  /// The default is 1.
  public var epochs: Int

  /// Whether each epoch takes the rows in another order.
  ///
  /// The default is true.
  public var shuffle: Bool

  /// What the initial weights and the order of the rows follow from.
  ///
  /// The default is 0.
  public var seed: UInt64

  /// The share of rows at the end to validate with; nil for none.
  public var validationSplit: Double?

  /// The data that the file brings, its `x` and `y`; nil when it has none.
  public var data: TrainingData?

  /// Initial values by weight name; the other weights are drawn.
  var initialWeights: [String: Tensor] = [:]

  /// Describes a model.
  public init(
    name: String? = nil, layers: [Dense], loss: Loss, optimizer: Optimizer = .adam(),
    batchSize: Int = 32, epochs: Int = 1, shuffle: Bool = true, seed: UInt64 = 0,
    validationSplit: Double? = nil, data: TrainingData? = nil
  ) {
    self.name = name
    self.layers = layers
    self.loss = loss
    self.optimizer = optimizer
    self.batchSize = batchSize
    self.epochs = epochs
    self.shuffle = shuffle
    self.seed = seed
    self.validationSplit = validationSplit
    self.data = data
  }
}

extension ModelDescription {
  /// Builds the model, with the initial weights of the description where it has some.
  ///
  /// - Parameter inputs: values in a row of x; nil to take it from the data or the first kernel.
  /// - Returns: the model, not yet trained.
  /// - Throws: `invalidArgument` or `invalidData` when layers, weights, data and loss do not fit
  ///   together.
  public func makeModel(inputs: Int? = nil) throws(GradlogError) -> Sequential {
    guard let inputs = inputs ?? data?.x.columns ?? initialWeights["dense_0/kernel"]?.shape.first
    else {
      throw GradlogError(
        .invalidData, "the model has no x, so its number of inputs is unknown",
        remedy: "add \"x\" and \"y\", or train on a CSV file")
    }
    let model = try Sequential(layers, inputs: inputs, loss: loss, optimizer: optimizer, seed: seed)
    for (name, tensor) in initialWeights.sorted(by: { $0.key < $1.key }) {
      try Self.set(tensor, as: name, in: model)
    }
    if let data { try model.check(data) }
    return model
  }

  private static func set(
    _ tensor: Tensor, as name: String, in model: Sequential
  ) throws(GradlogError) {
    guard let weight = model.weights.first(where: { $0.name == name }) else {
      throw GradlogError(
        .invalidData, "initial_weights names \"\(name)\", which the model does not have",
        remedy: NearestName.remedy(for: name, among: model.weights.map(\.name), kind: "weights"))
    }
    guard tensor.shape == weight.shape else {
      throw GradlogError(
        .invalidData,
        "initial_weights[\"\(name)\"] has shape \(tensor.shape) where the layers need \(weight.shape)",
        remedy: "give it that shape or change the units")
    }
    try model.setValues(tensor.values, of: name)
  }

  /// Trains a model as described: batch size, epochs, order and validation.
  ///
  /// - Throws: as ``Sequential/fit(_:batchSize:epochs:initialEpoch:shuffle:validationSplit:validationData:callbacks:)``.
  @discardableResult
  public func fit(
    _ model: Sequential, on data: TrainingData, callbacks: [any Callback] = []
  ) throws(GradlogError) -> History {
    try model.fit(
      data, batchSize: batchSize, epochs: epochs, shuffle: shuffle,
      validationSplit: validationSplit, callbacks: callbacks)
  }
}
