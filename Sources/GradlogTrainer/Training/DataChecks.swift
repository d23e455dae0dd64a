internal import Gradlog

extension Sequential {
  /// Throws when the model cannot be trained on, or evaluated over, the data.
  func check(_ data: TrainingData) throws(GradlogError) {
    guard data.rows > 0 else {
      throw GradlogError(
        .invalidData, "there are no rows of data", remedy: "bring one row at least")
    }
    try checkFeatures(data.x)
    switch loss {
    case .sparseCategoricalCrossentropy: try checkClasses(data.y)
    default: try checkTargets(data.y)
    }
  }

  /// Throws when x has the wrong number of columns.
  func checkFeatures(_ x: Matrix) throws(GradlogError) {
    guard x.columns == inputs else {
      throw GradlogError(
        .invalidTensor, "x has \(x.columns) columns and the model \(inputs) inputs",
        remedy: "give each row of x \(inputs) values")
    }
  }

  /// Throws when a batch of some of the `rows` would be empty, or too large to hold.
  func checkBatchSize(_ batchSize: Int, rows: Int) throws(GradlogError) {
    guard batchSize >= 1 else {
      throw GradlogError(
        .invalidArgument, "the batch size is \(batchSize)", remedy: "choose 1 or more")
    }
    let widest = layers.map(\.units).reduce(inputs, max)
    let (count, overflow) = min(batchSize, rows).multipliedReportingOverflow(by: widest)
    guard !overflow, count <= Self.largestTensor else {
      throw GradlogError(
        .invalidArgument,
        "a batch of \(batchSize) rows by \(widest) values is over \(Self.largestTensor) values",
        remedy: "choose a smaller batch size")
    }
  }

  private func checkTargets(_ y: Matrix) throws(GradlogError) {
    guard y.columns == units else {
      let classes =
        loss == .categoricalCrossentropy && y.columns == 1
        ? ", or use sparse_categorical_crossentropy for class numbers" : ""
      throw GradlogError(
        .invalidTensor,
        "y has \(y.columns) columns and the last layer \(units) units, which \(loss.name) compares",
        remedy: "give the last layer \(y.columns) units\(classes)")
    }
  }

  private func checkClasses(_ y: Matrix) throws(GradlogError) {
    guard y.columns == 1 else {
      throw GradlogError(
        .invalidTensor, "y has \(y.columns) columns where \(loss.name) expects one class number",
        remedy: "use categorical_crossentropy for one-hot rows")
    }
    for (row, value) in y.values.enumerated()
    where !(value >= 0 && value < Float(units) && value == value.rounded()) {
      throw GradlogError(
        .invalidData, "y[\(row)] is \(value), which is not a class from 0 to \(units - 1)",
        remedy: "number the classes from 0 and give the last layer one unit for each")
    }
  }
}
