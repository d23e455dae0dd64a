internal import GRDBSQLite
internal import Gradlog

/// Values and rows of a statement as cells.
extension PreparedStatement {
  /// Gives a parameter its value; one that is never bound is NULL.
  func bind(_ value: CellValue, to parameter: String) throws {
    try bind(parameter) { bind(value, at: $0) }
  }

  private func bind(_ value: CellValue, at index: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(handle, index)
    case .integer(let integer): return sqlite3_bind_int64(handle, index, integer)
    case .real(let real): return sqlite3_bind_double(handle, index, real)
    case .single(let single): return sqlite3_bind_double(handle, index, Double(single))
    case .half(let half): return sqlite3_bind_double(handle, index, Double(half))
    case .text(let text):
      return sqlite3_bind_text(handle, index, text, Int32(text.utf8.count), Self.copy)
    case .blob(let bytes):
      return sqlite3_bind_blob(handle, index, bytes, Int32(bytes.count), Self.copy)
    }
  }

  /// Copies the current row over `row`, which must have as many elements as there are columns.
  func read(into row: inout [CellValue]) {
    for index in row.indices { row[index] = value(at: Int32(index)) }
  }

  /// Appends the cells of the current row, from the column `first` on, to the one that `rows` has
  /// begun.
  func appendCells(from first: Int = 0, to rows: RowBlock) {
    for index in Int32(first)..<Int32(columns.count) { append(at: index, to: rows) }
  }

  @inline(__always)
  private func append(at index: Int32, to rows: RowBlock) {
    // One call that checks the index and the connection for all that follow. The value may be looked
    // at without the connection's lock, since no other thread uses it meanwhile.
    let value = sqlite3_column_value(handle, index)
    switch sqlite3_value_type(value) {
    case SQLITE_INTEGER: rows.append(sqlite3_value_int64(value))
    case SQLITE_FLOAT: rows.append(sqlite3_value_double(value))
    case SQLITE_TEXT:
      let start = UnsafeRawPointer(sqlite3_value_text(value))
      rows.append(
        text: UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))))
    case SQLITE_BLOB:
      let start = sqlite3_value_blob(value)
      rows.append(
        blob: UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value))))
    default: rows.appendNull()
    }
  }

  /// The value of one column of the current row.
  func value(at index: Int32) -> CellValue {
    switch sqlite3_column_type(handle, index) {
    case SQLITE_INTEGER: .integer(sqlite3_column_int64(handle, index))
    case SQLITE_FLOAT: .real(sqlite3_column_double(handle, index))
    case SQLITE_TEXT:
      .text(
        bytes(UnsafeRawPointer(sqlite3_column_text(handle, index)), index) {
          String(decoding: $0, as: UTF8.self)
        })
    case SQLITE_BLOB: .blob(bytes(sqlite3_column_blob(handle, index), index) { Array($0) })
    default: .null
    }
  }

  private func bytes<Result>(
    _ start: UnsafeRawPointer?, _ index: Int32, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, index))))
  }
}
