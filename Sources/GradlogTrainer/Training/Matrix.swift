public import Gradlog

/// Rows of Float32 values, row by row.
public struct Matrix: Sendable, Equatable {
  /// The number of rows.
  public let rows: Int

  /// The number of values in a row.
  public let columns: Int

  /// All values, row by row.
  public let values: [Float]

  /// Shapes a list of values.
  ///
  /// - Throws: `invalidTensor` when there are not rows × columns of them.
  public init(rows: Int, columns: Int, values: [Float]) throws(GradlogError) {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !overflow, values.count == count else {
      throw GradlogError(
        .invalidTensor, "a matrix of \(rows) × \(columns) cannot hold \(values.count) values",
        remedy: "pass rows × columns values, row by row")
    }
    self.init(unchecked: values, rows: rows, columns: columns)
  }

  /// Makes a matrix of rows.
  ///
  /// - Throws: `invalidTensor` when the rows are of different lengths.
  public init(_ rows: [[Float]]) throws(GradlogError) {
    let columns = rows.first?.count ?? 0
    for (index, row) in rows.enumerated() where row.count != columns {
      throw GradlogError(
        .invalidTensor,
        "row \(index) has \(row.count) values where the rows before it have \(columns)",
        remedy: "give every row the same number of values")
    }
    self.init(unchecked: Array(rows.joined()), rows: rows.count, columns: columns)
  }

  /// For callers that have counted.
  init(unchecked values: [Float], rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  /// Some of the rows, in their order; the range lies within `0..<rows`.
  func rows(_ range: Range<Int>) -> Matrix {
    let slice = values[range.lowerBound * columns..<range.upperBound * columns]
    return Matrix(unchecked: Array(slice), rows: range.count, columns: columns)
  }

  /// The rows at these positions, each of them within `0..<rows`.
  func rows(at positions: [Int]) -> Matrix {
    let values = positions.flatMap { self.values[$0 * columns..<($0 + 1) * columns] }
    return Matrix(unchecked: values, rows: positions.count, columns: columns)
  }
}

/// Features and their targets, row for row.
public struct TrainingData: Sendable, Equatable {
  /// The features, [rows, inputs].
  public let x: Matrix

  /// The targets, [rows, units], or [rows, 1] of class numbers.
  public let y: Matrix

  /// Puts features and targets together.
  ///
  /// - Throws: `invalidTensor` when they have different numbers of rows.
  public init(x: Matrix, y: Matrix) throws(GradlogError) {
    guard x.rows == y.rows else {
      throw GradlogError(
        .invalidTensor, "x has \(x.rows) rows and y has \(y.rows)",
        remedy: "give each row of x one target in y")
    }
    self.init(unchecked: x, y)
  }

  /// For callers that have counted.
  init(unchecked x: Matrix, _ y: Matrix) {
    self.x = x
    self.y = y
  }

  /// The number of rows.
  public var rows: Int { x.rows }

  /// Divides into all but the last share and the last share of the rows, before any shuffling.
  ///
  /// The first part has ⌊rows × (1 − fraction)⌋ rows, as Keras's `validation_split`.
  ///
  /// - Throws: `invalidArgument` when the fraction is not between 0 and 1 or a part would be empty.
  public func split(
    validationFraction fraction: Double
  ) throws(GradlogError) -> (training: TrainingData, validation: TrainingData) {
    guard fraction > 0, fraction < 1 else {
      throw GradlogError(
        .invalidArgument, "the validation split is \(fraction)",
        remedy: "choose a fraction between 0 and 1, such as 0.2")
    }
    let boundary = Int((Double(rows) * (1 - fraction)).rounded(.down))
    guard boundary > 0, boundary < rows else {
      throw GradlogError(
        .invalidArgument,
        "a validation split of \(fraction) leaves one part of the \(rows) rows empty",
        remedy: "choose another fraction or bring more rows")
    }
    return (rows(0..<boundary), rows(boundary..<rows))
  }

  private func rows(_ range: Range<Int>) -> TrainingData {
    TrainingData(unchecked: x.rows(range), y.rows(range))
  }
}
