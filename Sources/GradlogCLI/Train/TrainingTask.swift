internal import Foundation
internal import Gradlog
internal import GradlogTrainer

/// A model, what it is trained on and how.
struct TrainingTask {
  let description: ModelDescription
  let data: TrainingData
  let initialEpoch: Int
  /// The run's name where none is given.
  let defaultName: String

  /// What the options ask for.
  ///
  /// - Throws: ``GradlogError`` when a file cannot be read or does not fit.
  init(_ options: ModelOptions) throws {
    initialEpoch = options.initialEpoch
    if let path = options.model {
      var description = try ModelDescription.read(path: path)
      guard let data = description.data else {
        throw GradlogError(
          .invalidData, "the model file '\(path)' has no data",
          remedy: "add \"x\" and \"y\" to it, or train on a table with --data")
      }
      Self.override(&description, with: options)
      (self.description, self.data) = (description, data)
      defaultName = description.name ?? Self.stem(path)
    } else if let path = options.data, let target = options.target {
      var table = try TabularData.read(path: path, target: target, task: options.loss?.task)
      if options.validationSplit != nil { table = table.shuffled(seed: options.seed ?? 0) }
      if options.standardize {
        table = try table.standardized(validationSplit: options.validationSplit)
      }
      let loss = options.loss ?? table.loss
      var description = ModelDescription(
        layers: (options.layers ?? [64, 64]).map {
          Dense($0, activation: options.activation ?? .relu)
        }
          + [try table.outputLayer(for: loss)],
        loss: loss, epochs: 10)
      Self.override(&description, with: options)
      self.description = description
      data = loss == .categoricalCrossentropy ? try table.oneHot() : table.data
      defaultName = Self.stem(path)
    } else {
      let example = options.example ?? .article
      var description = example.description
      Self.override(&description, with: options)
      self.description = description
      data = example.data
      defaultName = example.rawValue
    }
  }

  /// Trains.
  func run(callbacks: [any Callback]) throws {
    let model = try description.makeModel(inputs: data.x.columns)
    try model.fit(
      data, batchSize: description.batchSize, epochs: initialEpoch + description.epochs,
      initialEpoch: initialEpoch, shuffle: description.shuffle,
      validationSplit: description.validationSplit, callbacks: callbacks)
  }

  /// A JSON object that describes the training.
  var configuration: String {
    let layers = description.layers.map { layer in
      ["units": layer.units, "activation": layer.activation.name] as [String: Any]
    }
    let object: [String: Any] = [
      "layers": layers, "loss": description.loss.name,
      "optimizer": [
        "name": description.optimizer.name, "learning_rate": description.optimizer.learningRate,
      ] as [String: Any],
      "batch_size": description.batchSize, "epochs": description.epochs,
      "shuffle": description.shuffle, "seed": description.seed,
      "validation_split": description.validationSplit ?? NSNull(), "rows": data.rows,
    ]
    let json = try? JSONSerialization.data(
      withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return json.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private static func override(_ description: inout ModelDescription, with options: ModelOptions) {
    description.optimizer = options.optimizer ?? description.optimizer
    if let rate = options.learningRate {
      description.optimizer = description.optimizer.with(learningRate: rate)
    }
    description.epochs = options.epochs ?? description.epochs
    description.batchSize = options.batchSize ?? description.batchSize
    description.seed = options.seed ?? description.seed
    description.validationSplit = options.validationSplit ?? description.validationSplit
  }

  private static func stem(_ path: String) -> String {
    URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
  }
}

extension Loss {
  /// The task that this loss is made for.
  fileprivate var task: TabularData.Task {
    isCrossentropy ? .classification(labels: []) : .regression
  }
}

extension TabularData {
  /// The last layer that suits a loss on this table.
  ///
  /// - Throws: ``GradlogError`` for binary crossentropy on other than two classes.
  fileprivate func outputLayer(for loss: Loss) throws(GradlogError) -> Dense {
    guard case .classification(let labels) = task, loss.isCrossentropy else { return outputLayer }
    guard loss == .binaryCrossentropy else { return Dense(labels.count, activation: .softmax) }
    guard labels.count == 2 else {
      throw GradlogError(
        .invalidArgument,
        "binary_crossentropy tells two classes apart, and \"\(targetName)\" has \(labels.count)",
        remedy: "use sparse_categorical_crossentropy for classes, mean_squared_error for a number")
    }
    return outputLayer
  }
}
