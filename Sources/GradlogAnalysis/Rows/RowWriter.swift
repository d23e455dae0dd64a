/// Something that receives the rows of a result one by one and writes them down.
public protocol RowWriter {
  /// Called once, before any row.
  mutating func begin(columns: [String]) throws

  /// Called for each row; `row` has as many values as there are columns.
  mutating func write(_ row: [CellValue]) throws

  /// Called in place of one call of ``write(_:)`` for each row of a block, which is empty afterwards.
  mutating func write(_ rows: inout RowBlock) throws

  /// Called in place of one call of ``write(_:)`` for each element: rows that begin with the same
  /// values and end with the index and the value of an element.
  mutating func write(_ elements: TensorElements, after leading: [CellValue]) throws

  /// Called once, after the last row.
  mutating func end() throws
}

extension RowWriter {
  /// Writes the rows of a block one by one.
  public mutating func write(_ rows: inout RowBlock) throws {
    try rows.forEachRow { try write($0) }
    rows.removeAll()
  }

  /// Writes one row for each element.
  public mutating func write(_ elements: TensorElements, after leading: [CellValue]) throws {
    var row = leading + [.null, .null]
    var index = elements.firstIndex
    for value in elements.cells() {
      row[leading.count] = .integer(Int64(index))
      row[leading.count + 1] = value
      try write(row)
      index += 1
    }
  }
}

/// The forms in which rows are written.
public enum RowFormat: String, Sendable, CaseIterable {
  /// Aligned columns for a person; numbers rounded to six digits.
  case table
  /// RFC 4180, see ``CSVWriter``.
  case csv
  /// One array of objects, see ``JSONWriter``.
  case json
  /// One object a line, see ``JSONWriter``.
  case ndjson
  /// A GitHub table; numbers rounded to six digits.
  case markdown

  /// Makes a writer of this form to `output`; `isTerminal` says that a person watches in a terminal
  /// that shows styles.
  public func writer(to output: ByteOutput, isTerminal: Bool = false) -> AnyRowWriter {
    switch self {
    case .table: AnyRowWriter(TableWriter(to: output, isStyled: isTerminal))
    case .csv: AnyRowWriter(CSVWriter(to: output))
    case .json: AnyRowWriter(JSONWriter(to: output, layout: .array))
    case .ndjson: AnyRowWriter(JSONWriter(to: output, layout: .lines))
    case .markdown: AnyRowWriter(MarkdownWriter(to: output))
    }
  }
}
