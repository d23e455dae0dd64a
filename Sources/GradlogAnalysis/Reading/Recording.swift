internal import Foundation
internal import GRDB
public import Gradlog

/// A file that gradlog recorded, open for reading.
///
/// Reading changes nothing on disk, and neither waits for a recorder nor holds it up.
public struct Recording: Sendable {
  /// The path as it was given.
  public let path: String

  private let file: FileReader

  /// Opens a recording.
  ///
  /// - Throws: ``GradlogError`` with a sentence that names the path and the remedy when the file is
  ///   missing, not gradlog's, newer than this code or damaged.
  public init(path: String) throws(GradlogError) {
    self.path = path
    file = try DatabaseFile.openForReading(path)
  }

  /// Bytes on disk: the file and, while a recorder has it open, the log beside it.
  public var sizeInBytes: Int {
    [path, path + "-wal"].reduce(0) { sum, path in
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      return sum + ((attributes?[.size] as? Int) ?? 0)
    }
  }

  /// Closes the file.
  ///
  /// Nothing can be read afterwards.
  public func close() throws(GradlogError) {
    try file.close()
  }

  /// Runs one SQL statement and hands over its rows one by one, in constant memory.
  ///
  /// SQLite itself refuses a statement that would write: the connection is read-only.
  ///
  /// - Parameters:
  ///   - sql: one statement.
  ///   - values: values of its named parameters; one that has none is NULL.
  ///   - limit: the number of rows after which to stop.
  ///   - writer: what receives the names of the columns and then each row.
  /// - Returns: the number of rows.
  /// - Throws: ``GradlogError`` when SQLite refuses; whatever `writer` throws.
  @discardableResult
  public func rows(
    of sql: String, with values: [String: CellValue] = [:], limit: Int? = nil,
    to writer: inout some RowWriter
  ) throws -> Int {
    try read { db in
      let statement = try PreparedStatement(sql, on: db)
      for (name, value) in values { try statement.bind(value, to: name) }
      try writer.begin(columns: statement.columns)
      var rows = RowBlock(columnCount: statement.columns.count)
      var count = 0
      while count < limit ?? .max, try statement.step() {
        rows.beginRow()
        statement.appendCells(to: rows)
        if rows.isFull { try writer.write(&rows) }
        count += 1
      }
      try writer.write(&rows)
      try writer.end()
      return count
    }
  }

  /// All rows of a statement whose result is known to be small.
  func allRows(of sql: String, with values: [String: CellValue] = [:]) throws -> [[CellValue]] {
    var collector = RowCollector()
    try rows(of: sql, with: values, to: &collector)
    return collector.rows
  }

  /// Names of the parameters of a statement, without running it.
  func parameters(of sql: String) throws -> Set<String> {
    try read { db in Set(try PreparedStatement(sql, on: db).parameters) }
  }

  /// One consistent view of the file for the duration of `body`.
  func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
    let result: Result
    do {
      result = try file.queue.unsafeRead { db in
        try db.execute(sql: "BEGIN")
        defer { try? db.execute(sql: "COMMIT") }
        return try body(db)
      }
    } catch let error as DatabaseError {
      throw GradlogError(error, path: path)
    }
    try file.verifyUnchanged()
    return result
  }
}

/// Keeps every row.
private struct RowCollector: RowWriter {
  var rows: [[CellValue]] = []

  mutating func begin(columns: [String]) {}

  mutating func write(_ row: [CellValue]) {
    rows.append(row)
  }

  mutating func end() {}
}
