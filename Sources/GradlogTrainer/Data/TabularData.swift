public import Gradlog

/// A table of numbers with one column to predict, as a CSV file with a header gives it.
public struct TabularData: Sendable, Equatable {
  /// The names of the feature columns, in the order of the file.
  public let featureNames: [String]

  /// The name of the target column.
  public let targetName: String

  /// What is predicted: a number or a class.
  public let task: Task

  /// Features [rows, columns] and targets [rows, 1]: numbers, or the numbers of classes.
  public let data: TrainingData

  /// What a target column asks for.
  public enum Task: Sendable, Equatable {
    /// A number.
    case regression
    /// One of these classes, sorted; a target is a position in this list. Two classes at least.
    case classification(labels: [String])
  }

  /// Reads a CSV file.
  ///
  /// The target is classified when less than half of its cells are numbers, or when they are all whole numbers, 2
  /// to 20 different ones, each of them twice or more on average; otherwise it is a number. `task`
  /// overrules this.
  ///
  /// - Parameters:
  ///   - path: where the file is.
  ///   - target: the name of the column to predict.
  ///   - task: `.regression`, or `.classification` with any labels, which are taken from the file.
  /// - Returns: the table.
  /// - Throws: `notFound` for the file or the column; `invalidData` with line, column and cell.
  public static func read(
    path: String, target: String, task: Task? = nil
  ) throws(GradlogError) -> TabularData {
    let contents = try fileContents(path, kind: "CSV file")
    do throws(GradlogError) {
      return try TabularData(csv: contents, target: target, task: task)
    } catch {
      throw GradlogError(error.code, "\(path): \(error.problem)", remedy: error.remedy)
    }
  }

  /// Reads the text of a CSV file; otherwise as ``read(path:target:task:)``.
  public init(csv: [UInt8], target: String, task: Task? = nil) throws(GradlogError) {
    let table = try CSVTable(csv, target: target)
    let column = TargetColumn(table.targetCells)
    let labels: [String]?
    switch task {
    case nil: labels = column.isClassification ? column.labels : nil
    case .regression: labels = nil
    case .classification: labels = column.labels
    }
    featureNames = table.featureNames
    targetName = target
    self.task = labels.map { .classification(labels: $0) } ?? .regression
    let y =
      if let labels {
        try column.classes(labels, name: target)
      } else {
        try column.numbers(name: target)
      }
    data = try TrainingData(
      x: Matrix(rows: y.count, columns: featureNames.count, values: table.features),
      y: Matrix(rows: y.count, columns: 1, values: y))
  }

  private init(_ original: TabularData, data: TrainingData) {
    featureNames = original.featureNames
    targetName = original.targetName
    task = original.task
    self.data = data
  }
}

extension TabularData {
  /// The loss that suits the task: mean_squared_error, binary_crossentropy for two classes,
  /// sparse_categorical_crossentropy for more.
  public var loss: Loss {
    switch task {
    case .regression: .meanSquaredError
    case .classification(let labels):
      labels.count == 2 ? .binaryCrossentropy : .sparseCategoricalCrossentropy
    }
  }

  /// The last layer that suits the task: one linear unit, one sigmoid unit, or a softmax unit for each
  /// class.
  public var outputLayer: Dense {
    switch task {
    case .regression: Dense(1)
    case .classification(let labels):
      labels.count == 2 ? Dense(1, activation: .sigmoid) : Dense(labels.count, activation: .softmax)
    }
  }

  /// The data with one-hot targets, [rows, classes], for `categorical_crossentropy`; unchanged for a
  /// regression.
  public func oneHot() throws(GradlogError) -> TrainingData {
    guard case .classification(let labels) = task else { return data }
    var values = [Float](repeating: 0, count: data.rows * labels.count)
    for (row, label) in data.y.values.enumerated() { values[row * labels.count + Int(label)] = 1 }
    return try TrainingData(
      x: data.x, y: Matrix(rows: data.rows, columns: labels.count, values: values))
  }

  /// The same rows in another order, which follows from the seed.
  ///
  /// Tables are often sorted, by class or by date, and then the last rows are no fair sample to
  /// validate with.
  public func shuffled(seed: UInt64) -> TabularData {
    var order = Array(0..<data.rows)
    // A stream apart from those of the weights and the epochs, which count up from 0.
    var source = RandomSource(seed: seed, stream: .max)
    source.shuffle(&order)
    return TabularData(
      self,
      data: TrainingData(unchecked: data.x.rows(at: order), data.y.rows(at: order)))
  }

  /// The features shifted to mean 0 and scaled to standard deviation 1, as seen in the training rows.
  ///
  /// Mean and population standard deviation come from the rows before the validation split, so that
  /// nothing of the validation rows leaks into training. A column that is constant there becomes 0.
  ///
  /// - Parameter validationSplit: the share of rows at the end that `fit` will validate with; nil for
  ///   none.
  /// - Returns: the same table with other features.
  /// - Throws: `invalidArgument` when that share is not between 0 and 1 or leaves a part empty.
  public func standardized(validationSplit: Double? = nil) throws(GradlogError) -> TabularData {
    var trainingRows = data.rows
    if let validationSplit {
      trainingRows = try data.split(validationFraction: validationSplit).training.rows
    }
    let x = data.x
    var values = x.values
    for column in 0..<x.columns {
      let positions = stride(from: column, to: trainingRows * x.columns, by: x.columns)
      let mean = positions.reduce(0) { $0 + Double(values[$1]) } / Double(trainingRows)
      let variance =
        positions.reduce(0) { $0 + (Double(values[$1]) - mean) * (Double(values[$1]) - mean) }
        / Double(trainingRows)
      let deviation = variance.squareRoot()
      // Rounding gives a constant column a tiny deviation: ask the values themselves.
      let isConstant = positions.allSatisfy { values[$0] == values[column] }
      for index in stride(from: column, to: values.count, by: x.columns) {
        values[index] = isConstant ? 0 : Float((Double(values[index]) - mean) / deviation)
      }
    }
    let scaled = try Matrix(rows: x.rows, columns: x.columns, values: values)
    return TabularData(self, data: try TrainingData(x: scaled, y: data.y))
  }
}
