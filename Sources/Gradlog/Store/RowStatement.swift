internal import GRDB
internal import GRDBSQLite

/// A prepared statement that writes a row and binds Swift values without boxing them.
///
/// GRDB's statements take arrays of existentials, which cost more than SQLite's own work on a small
/// row; this is the one place that goes below it.
final class RowStatement {
  private let connection: SQLiteConnection
  private let statement: SQLiteStatement

  /// Prepares an INSERT of as many values as there are columns.
  convenience init(into table: String, columns: [String], in db: Database) throws {
    try self.init(
      """
      INSERT INTO \(table) (\(columns.joined(separator: ", "))) \
      VALUES (\(columns.map { _ in "?" }.joined(separator: ", ")))
      """, in: db)
  }

  /// Prepares a statement that writes.
  init(_ sql: String, in db: Database) throws {
    guard let connection = db.sqliteConnection else {
      throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "the connection is closed")
    }
    var prepared: SQLiteStatement?
    let code = sqlite3_prepare_v3(
      connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw Self.error(code, connection, sql) }
    self.connection = connection
    statement = prepared
  }

  deinit {
    sqlite3_finalize(statement)
  }

  /// Writes one row, whose columns `bind` binds in order.
  @inline(__always)
  func run(_ bind: (inout BoundRow) -> Void) throws {
    var row = BoundRow(statement)
    bind(&row)
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    guard code == SQLITE_DONE else { throw Self.error(code, connection, nil) }
  }

  private static func error(
    _ code: CInt, _ connection: SQLiteConnection, _ sql: String?
  ) -> DatabaseError {
    DatabaseError(
      resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
      message: String(cString: sqlite3_errmsg(connection)), sql: sql)
  }
}

/// The columns of one row of a ``RowStatement``.
struct BoundRow: ~Copyable {
  private let statement: SQLiteStatement
  private var nextParameter: Int32 = 1

  init(_ statement: SQLiteStatement) {
    self.statement = statement
  }

  mutating func bind(_ value: Int) {
    sqlite3_bind_int64(statement, nextParameter, Int64(value))
    nextParameter += 1
  }

  mutating func bind(_ value: Int?) {
    if let value { bind(value) } else { bindNull() }
  }

  mutating func bind(_ value: Int64) {
    sqlite3_bind_int64(statement, nextParameter, value)
    nextParameter += 1
  }

  mutating func bind(_ value: Int64?) {
    if let value { bind(value) } else { bindNull() }
  }

  mutating func bind(_ value: Double) {
    sqlite3_bind_double(statement, nextParameter, value)
    nextParameter += 1
  }

  mutating func bind(_ value: Double?) {
    if let value { bind(value) } else { bindNull() }
  }

  mutating func bindNull() {
    sqlite3_bind_null(statement, nextParameter)
    nextParameter += 1
  }

  /// Binds a literal, without a copy.
  mutating func bind(literal text: StaticString) {
    let utf8 = UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    sqlite3_bind_text(statement, nextParameter, utf8, Int32(text.utf8CodeUnitCount), nil)
    nextParameter += 1
  }

  /// Binds a copy.
  mutating func bind(_ text: String) {
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    sqlite3_bind_text(statement, nextParameter, text, Int32(text.utf8.count), transient)
    nextParameter += 1
  }

  /// Binds without a copy: the bytes must stay until the row is inserted. No byte at all is an
  /// empty blob, not NULL.
  mutating func bind(_ bytes: UnsafeRawBufferPointer) {
    if let base = bytes.baseAddress, !bytes.isEmpty {
      sqlite3_bind_blob64(statement, nextParameter, base, UInt64(bytes.count), nil)
    } else {
      sqlite3_bind_zeroblob(statement, nextParameter, 0)
    }
    nextParameter += 1
  }

  /// Binds a copy of the bytes of an array.
  mutating func bind<Element: BitwiseCopyable>(copyOf elements: [Element]) {
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    elements.withUnsafeBytes { bytes in
      _ = sqlite3_bind_blob64(
        statement, nextParameter, bytes.baseAddress, UInt64(bytes.count), transient)
    }
    nextParameter += 1
  }
}
