package import GRDB
package import GRDBSQLite

/// One compiled SQL statement that reads: the only place that does so through SQLite's C interface.
///
/// GRDB's rows trap when a column holds another type than expected, and a file may hold anything;
/// this reads what is there. It is also what makes a million rows quick.
package final class PreparedStatement {
  /// The statement, for SQLite's own functions.
  package let handle: OpaquePointer
  private let connection: OpaquePointer

  /// Names of the columns of the result; empty for a statement that returns none.
  package let columns: [String]

  /// Names of the parameters, without their sigil, in order of appearance.
  package let parameters: [String]

  /// - Throws: ``GradlogError`` when the text is not exactly one statement that SQLite compiles.
  package init(_ sql: String, on db: Database) throws {
    guard let connection = db.sqliteConnection else {
      throw GradlogError(.misuse, "the file has been closed", remedy: "open it again")
    }
    self.connection = connection
    let (statement, rest) = try Self.compile(sql, connection)
    guard let statement else {
      throw GradlogError(
        .invalidData, "there is no SQL statement in what was given",
        remedy: "write one, such as: SELECT weight, norm FROM gradients LIMIT 10")
    }
    handle = statement
    columns = (0..<sqlite3_column_count(statement)).map { index in
      sqlite3_column_name(statement, index).map { String(cString: $0) } ?? "column\(index)"
    }
    parameters = (0..<sqlite3_bind_parameter_count(statement)).map { index in
      guard let name = sqlite3_bind_parameter_name(statement, index + 1) else { return "" }
      return String(cString: name + 1)
    }
    if let second = try Self.compile(rest, connection).statement {
      sqlite3_finalize(second)
      throw GradlogError(
        .invalidData, "there is more than one SQL statement",
        remedy: "run one at a time")
    }
  }

  deinit {
    sqlite3_finalize(handle)
  }

  private static func compile(
    _ sql: String, _ connection: OpaquePointer
  ) throws -> (statement: OpaquePointer?, rest: String) {
    var sql = sql
    return try sql.withUTF8 { text in
      guard let start = text.baseAddress, !text.isEmpty else { return (nil, "") }
      return try start.withMemoryRebound(to: CChar.self, capacity: text.count) { start in
        var statement: OpaquePointer?
        var tail: UnsafePointer<CChar>?
        let code = sqlite3_prepare_v2(connection, start, Int32(text.count), &statement, &tail)
        guard code == SQLITE_OK else { throw Self.failure(code, connection) }
        let used = tail.map { $0 - start } ?? text.count
        let rest = String(decoding: text[used...], as: UTF8.self)
        // A comment on its own compiles to nothing; a statement may follow it.
        if statement == nil, used > 0, used < text.count { return try compile(rest, connection) }
        return (statement, rest)
      }
    }
  }

  /// Gives a parameter its value; one that is never bound is NULL.
  package func bind(_ integer: Int64, to parameter: String) throws {
    try bind(parameter) { sqlite3_bind_int64(handle, $0, integer) }
  }

  /// Gives a parameter its value.
  package func bind(_ text: String, to parameter: String) throws {
    try bind(parameter) { sqlite3_bind_text(handle, $0, text, Int32(text.utf8.count), Self.copy) }
  }

  /// Has `give` give the parameter of this name its value, at an index, with the result code of SQLite's function.
  package func bind(_ parameter: String, _ give: (Int32) -> Int32) throws {
    for (index, name) in parameters.enumerated() where name == parameter {
      let code = give(Int32(index + 1))
      guard code == SQLITE_OK else { throw Self.failure(code, connection) }
    }
  }

  /// Tells SQLite to copy the bytes before the call returns: SQLITE_TRANSIENT.
  package static var copy: sqlite3_destructor_type? {
    unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  }

  /// Goes back before the first row; the parameters keep their values.
  package func reset() {
    // What it returns is the failure of the last step, which that has told already.
    sqlite3_reset(handle)
  }

  /// Moves to the next row; false when there is none.
  package func step() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw Self.failure(code, connection)
    }
  }

  /// Whether a column of the current row is NULL.
  package func isNull(at index: Int32) -> Bool { sqlite3_column_type(handle, index) == SQLITE_NULL }

  /// An integer column of the current row; 0 when it holds no number.
  package func integer(at index: Int32) -> Int64 { sqlite3_column_int64(handle, index) }

  /// A number of the current row; NaN, which SQLite does not store, when it is NULL. Quicker than
  /// ``real(at:)``.
  package func realOrNaN(at index: Int32) -> Double {
    let value = sqlite3_column_value(handle, index)
    return sqlite3_value_type(value) == SQLITE_NULL ? .nan : sqlite3_value_double(value)
  }

  /// A number of the current row; nil when it is NULL.
  package func real(at index: Int32) -> Double? {
    sqlite3_column_type(handle, index) == SQLITE_NULL
      ? nil : sqlite3_column_double(handle, index)
  }

  /// The bytes of a blob or a text of the current row, valid until the next ``step()``; none for NULL.
  package func bytes(at index: Int32) -> UnsafeRawBufferPointer {
    let start = sqlite3_column_blob(handle, index)
    return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, index)))
  }

  /// The text of a column of the current row; nil when it holds anything else. Bytes that are not UTF-8 are replaced
  /// by U+FFFD.
  package func text(at index: Int32) -> String? {
    guard sqlite3_column_type(handle, index) == SQLITE_TEXT else { return nil }
    let start = UnsafeRawPointer(sqlite3_column_text(handle, index))
    return String(
      decoding: UnsafeRawBufferPointer(
        start: start, count: Int(sqlite3_column_bytes(handle, index))), as: UTF8.self)
  }

  /// A mistake in the SQL is the user's to mend; the rest is for the storage's own words.
  private static func failure(_ code: Int32, _ connection: OpaquePointer) -> any Error {
    let message = String(cString: sqlite3_errmsg(connection))
    switch code & 0xFF {
    case SQLITE_READONLY:
      return GradlogError(
        .invalidData, "SQLite refused to change the file (\(message))",
        remedy: "gradlog only reads: write a SELECT")
    // The recording is open by now: what cannot be opened is a file that the SQL attaches.
    case SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_RANGE, SQLITE_AUTH, SQLITE_CANTOPEN:
      return GradlogError(
        .invalidData, "SQLite cannot run this SQL: \(message)",
        remedy: message.hasPrefix("no such")
          ? "'gradlog sql \"PRAGMA table_info(gradients)\"' lists the columns there are"
          : "mend the statement, and mind that gradlog only reads")
    default:
      return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
  }
}
