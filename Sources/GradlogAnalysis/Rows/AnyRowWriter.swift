/// A writer of a form that is chosen at run time.
public struct AnyRowWriter: RowWriter {
  private var writer: any RowWriter

  /// Wraps a writer.
  public init(_ writer: any RowWriter) {
    self.writer = writer
  }

  public mutating func begin(columns: [String]) throws {
    try writer.begin(columns: columns)
  }

  public mutating func write(_ row: [CellValue]) throws {
    try writer.write(row)
  }

  public mutating func write(_ elements: TensorElements, after leading: [CellValue]) throws {
    try writer.write(elements, after: leading)
  }

  public mutating func end() throws {
    try writer.end()
  }
}
