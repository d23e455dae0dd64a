public import Gradlog

extension Sequential {
  /// Computes the outputs for rows of features.
  ///
  /// - Parameters:
  ///   - x: [rows, inputs].
  ///   - batchSize: rows computed at a time.
  /// - Returns: [rows, units].
  /// - Throws: `invalidTensor` when x has the wrong number of columns.
  public func predict(_ x: Matrix, batchSize: Int = 32) throws(GradlogError) -> Matrix {
    let targets = Matrix(unchecked: [], rows: x.rows, columns: 0)
    let data = try TrainingData(x: x, y: targets)
    try checkFeatures(x)
    try checkBatchSize(batchSize, rows: x.rows)
    var outputs: [Float] = []
    outputs.reserveCapacity(x.rows * units)
    forEachBatch(of: data, batchSize: batchSize) { input in
      outputs.append(contentsOf: UnsafeBufferPointer(start: input.a, count: input.count))
    }
    return Matrix(unchecked: outputs, rows: x.rows, columns: units)
  }

  /// Computes the loss, and for a crossentropy the accuracy, over some rows, without training on them.
  ///
  /// - Throws: `invalidTensor` or `invalidData` when the data do not fit the model, or there are none.
  public func evaluate(_ data: TrainingData, batchSize: Int = 32) throws(GradlogError) -> Metrics {
    try check(data)
    try checkBatchSize(batchSize, rows: data.rows)
    return metrics(of: data, batchSize: batchSize)
  }

  /// As ``evaluate(_:batchSize:)``, for data that were checked.
  func metrics(of data: TrainingData, batchSize: Int) -> Metrics {
    let accuracy = Accuracy(units: units, targetColumns: data.y.columns)
    var sums = MetricSums(countsAccuracy: loss.isCrossentropy)
    forEachBatch(of: data, batchSize: batchSize) { input in
      sums.add(
        rows: input.rows, loss: network.evaluate(loss, input),
        correctRows: loss.isCrossentropy ? accuracy.correctRows(input) : 0)
    }
    return sums.metrics
  }

  private func forEachBatch(
    of data: TrainingData, batchSize: Int, _ body: (LossInput) -> Void
  ) {
    let size = min(batchSize, data.rows)
    network.reserve(rows: size, targetColumns: data.y.columns)
    let order = Array(0..<data.rows)
    for start in stride(from: 0, to: data.rows, by: max(size, 1)) {
      let rows = order[start..<min(start + size, data.rows)]
      network.load(data, rows: rows)
      body(network.forward(rows: rows.count))
    }
  }
}
