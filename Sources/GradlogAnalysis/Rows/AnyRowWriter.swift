/// A writer of a form that is chosen at run time.
public struct AnyRowWriter: RowWriter {
  private var writer: any RowWriter

  /// Wraps a writer.
  public init(_ writer: any RowWriter) {
    self.writer = writer
  }

  /// Begins with the names of the columns.
  public mutating func begin(columns: [String]) throws {
    try writer.begin(columns: columns)
  }

  /// Writes one row.
  public mutating func write(_ row: [CellValue]) throws {
    try writer.write(row)
  }

  /// Writes the rows of a block.
  public mutating func write(_ rows: inout RowBlock) throws {
    try writer.write(&rows)
  }

  /// Writes one row for each element.
  public mutating func write(_ elements: TensorElements, after leading: [CellValue]) throws {
    try writer.write(elements, after: leading)
  }

  /// Ends what was begun.
  public mutating func end() throws {
    try writer.end()
  }
}
