public import Gradlog

extension Sequential {
  /// Trains the model.
  ///
  /// - Parameters:
  ///   - data: features and targets; y is [rows, units], or [rows, 1] for
  ///     `sparse_categorical_crossentropy`.
  ///   - batchSize: rows per step; the last batch of an epoch takes what is left.
  ///   - epochs: the epoch to stop before, as Keras counts: `initialEpoch: 2, epochs: 5` runs 2, 3, 4.
  ///   - initialEpoch: the first epoch, zero-based.
  ///   - shuffle: whether each epoch takes the rows in another order; the order follows from the
  ///     model's seed and the epoch alone, so that a resumed run takes the rows as an uninterrupted one.
  ///   - validationSplit: the share of rows at the end, before shuffling, to validate with; nil for none.
  ///   - validationData: rows to validate with instead.
  ///   - callbacks: told of every event, in this order.
  /// - Returns: the metrics of every epoch.
  /// - Throws: `invalidArgument`, `invalidTensor` or `invalidData` when data and model do not fit, and
  ///   what a callback throws at the beginning; always before any training.
  @discardableResult
  public func fit(
    _ data: TrainingData, batchSize: Int = 32, epochs: Int = 1, initialEpoch: Int = 0,
    shuffle: Bool = true, validationSplit: Double? = nil, validationData: TrainingData? = nil,
    callbacks: [any Callback] = []
  ) throws(GradlogError) -> History {
    let (training, validation) = try divide(data, validationSplit, validationData)
    try checkBatchSize(batchSize, rows: data.rows)
    try checkEpochs(initialEpoch, epochs)
    let size = min(batchSize, training.rows)
    let run = Run(self, training, batchSize: size, shuffle: shuffle, callbacks: callbacks)
    for callback in callbacks {
      try callback.onTrainBegin(run.trainBegin(epochs: initialEpoch..<epochs))
    }

    var history = History()
    for epoch in initialEpoch..<epochs {
      let begin = EpochBegin(epoch: epoch, control: run.control)
      for callback in callbacks { callback.onEpochBegin(begin) }
      let metrics = run.train(epoch: epoch)
      let validated = validation.map { self.metrics(of: $0, batchSize: size) }
      history.epochs.append(.init(epoch: epoch, training: metrics, validation: validated))
      let end = EpochEnd(
        epoch: epoch, training: metrics, validation: validated, control: run.control)
      for callback in callbacks { callback.onEpochEnd(end) }
      if run.control.isStopRequested { break }
    }
    let end = TrainEnd(history: history, step: step, isStopped: run.control.isStopRequested)
    for callback in callbacks { callback.onTrainEnd(end) }
    return history
  }

  private func divide(
    _ data: TrainingData, _ fraction: Double?, _ validation: TrainingData?
  ) throws(GradlogError) -> (TrainingData, TrainingData?) {
    try check(data)
    if let validation { try check(validation) }
    guard let fraction, validation == nil else { return (data, validation) }
    let parts = try data.split(validationFraction: fraction)
    return (parts.training, parts.validation)
  }

  private func checkEpochs(_ initialEpoch: Int, _ epochs: Int) throws(GradlogError) {
    guard initialEpoch >= 0, epochs >= initialEpoch else {
      throw GradlogError(
        .invalidArgument, "training cannot run from epoch \(initialEpoch) to epoch \(epochs)",
        remedy: "choose epochs of at least the initial epoch, and that of at least 0")
    }
    guard layers.contains(where: \.isTrainable) else {
      throw GradlogError(
        .invalidArgument, "every layer is frozen", remedy: "make one layer trainable at least")
    }
  }
}

/// One call of `fit`: what stays the same from batch to batch.
private struct Run {
  let model: Sequential
  let data: TrainingData
  let batchSize: Int
  let shuffle: Bool
  let callbacks: [any Callback]
  let control = TrainingControl()
  private let accuracy: Accuracy
  private let raw: [WeightGradient]
  private let applied: [WeightGradient]

  init(
    _ model: Sequential, _ data: TrainingData, batchSize: Int, shuffle: Bool,
    callbacks: [any Callback]
  ) {
    self.model = model
    self.data = data
    self.batchSize = batchSize
    self.shuffle = shuffle
    self.callbacks = callbacks
    accuracy = Accuracy(units: model.units, targetColumns: data.y.columns)
    raw = model.network.parameters.map { WeightGradient($0.weight, $0.gradient) }
    applied = model.network.parameters.map { WeightGradient($0.weight, $0.clippedGradient) }
  }

  func trainBegin(epochs: Range<Int>) -> TrainBegin {
    TrainBegin(
      weights: model.weights, weightNorms: model.network.parameters.map(\.norm), epochs: epochs,
      batchesPerEpoch: (data.rows + batchSize - 1) / batchSize, batchSize: batchSize,
      step: model.step, loss: model.loss, optimizer: model.optimizer, control: control)
  }

  /// Runs the batches of an epoch, or those before a stop.
  func train(epoch: Int) -> Metrics {
    model.network.reserve(rows: batchSize, targetColumns: data.y.columns)
    var order = Array(0..<data.rows)
    if shuffle {
      // Stream 0 drew the initial weights.
      var source = RandomSource(seed: model.seed, stream: UInt64(epoch) + 1)
      source.shuffle(&order)
    }
    var sums = MetricSums(countsAccuracy: model.loss.isCrossentropy)
    for (batch, start) in stride(from: 0, to: data.rows, by: batchSize).enumerated() {
      let rows = order[start..<min(start + batchSize, data.rows)]
      train(epoch: epoch, batch: batch, rows: rows, sums: &sums)
      if control.isStopRequested { break }
    }
    return sums.metrics
  }

  private func train(epoch: Int, batch: Int, rows: ArraySlice<Int>, sums: inout MetricSums) {
    let begin = BatchBegin(
      epoch: epoch, batch: batch, step: model.step, rows: rows.count, control: control)
    for callback in callbacks { callback.onBatchBegin(begin) }

    let network = model.network
    network.load(data, rows: rows)
    let outputs = network.forward(rows: rows.count)
    let loss = network.evaluate(model.loss, outputs)
    sums.add(
      rows: rows.count, loss: loss,
      correctRows: model.loss.isCrossentropy ? accuracy.correctRows(outputs) : 0)
    network.backward(rows: rows.count)
    model.optimizer.clipping?.apply(to: network.parameters)
    let gradients = GradientEvent(
      epoch: epoch, batch: batch, step: model.step, rows: rows.count, loss: loss,
      learningRate: model.optimizer.learningRate, raw: raw, applied: applied, control: control)
    for callback in callbacks { callback.onGradients(gradients) }

    if !control.skipsUpdate { model.optimizerState.update(network.parameters) }
    let end = BatchEnd(
      epoch: epoch, batch: batch, step: model.step, rows: rows.count, loss: loss,
      learningRate: model.optimizer.learningRate, metrics: sums.metrics, control: control)
    for callback in callbacks { callback.onBatchEnd(end) }
  }
}

extension WeightGradient {
  fileprivate init(_ weight: Weight, _ buffer: FloatBuffer?) {
    self.weight = weight
    values = buffer.map { UnsafeBufferPointer($0.values) }
  }
}
