import Foundation
import GRDB
import GRDBSQLite
import GradlogAnalysis
import Testing

@testable import Gradlog

/// Holds the headers of `queries/*.sql` against what the statements really do.
struct QueryFolderTests {
  /// `queries/` of this checkout.
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "queries")

  private static let names = CannedQuery.all.map(\.name)

  private static let types: Set = ["TEXT", "INTEGER", "REAL"]

  @Test func everyFileIsEmbedded() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
      .filter { $0.hasSuffix(".sql") }.map { String($0.dropLast(4)) }
    #expect(files.sorted() == CannedQuery.all.map(\.name).sorted())
    for query in CannedQuery.all {
      let file = Self.folder.appending(path: "\(query.name).sql")
      #expect(try String(contentsOf: file, encoding: .utf8) == query.sql)
    }
  }

  @Test(arguments: names)
  func headerIsComplete(name: String) throws {
    let query = try CannedQuery.named(name)
    #expect(query.title.hasSuffix("?"))
    #expect(query.explanation.hasSuffix("."))
    #expect(!query.columns.isEmpty)
    #expect(query.parameters.map(\.type).allSatisfy(Self.types.contains))
    #expect(query.columns.map(\.type).allSatisfy(Self.types.contains))
    #expect(query.parameters.contains { $0.name == "limit" })
    let header = query.sql.split(separator: "\n").prefix { $0.hasPrefix("--") }
    #expect(header.count { $0.hasPrefix("-- column ") } == query.columns.count)
    #expect(header.count { $0.hasPrefix("-- parameter ") } == query.parameters.count)
  }

  @Test(arguments: names)
  func headerTellsTheColumnsAndParameters(name: String) throws {
    let query = try CannedQuery.named(name)
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue)
    try queue.read { db in
      let statement = try db.makeStatement(sql: query.sql)
      #expect(statement.columnNames == query.columns.map(\.name))
      let handle = statement.sqliteStatement
      let names = (1...sqlite3_bind_parameter_count(handle)).compactMap { index in
        sqlite3_bind_parameter_name(handle, index).map { String(cString: $0.advanced(by: 1)) }
      }
      #expect(Set(names) == Set(query.parameters.map(\.name)))
      for parameter in query.parameters where parameter.default != "NULL" {
        #expect(query.sql.contains("coalesce(:\(parameter.name), \(parameter.default))"))
      }
      // One statement that cannot write; makeStatement has refused a second one.
      #expect(sqlite3_stmt_readonly(handle) != 0)
    }
  }

  @Test(arguments: names)
  func cellsHaveTheDeclaredTypes(name: String) throws {
    let query = try CannedQuery.named(name)
    let file = try HandMadeFile.withEveryTrouble()
    let rows = try file.read { db in
      let nothing = query.parameters.reduce(into: [:]) { $0[$1.name] = DatabaseValue.null }
      return try Row.fetchAll(db, sql: query.sql, arguments: StatementArguments(nothing))
    }
    #expect(!rows.isEmpty)
    for row in rows {
      for (column, value) in zip(query.columns, row.databaseValues) {
        let type: String? =
          switch value.storage {
          case .null: nil
          case .int64: "INTEGER"
          case .double: "REAL"
          case .string: "TEXT"
          case .blob: "BLOB"
          }
        #expect(type == nil || type == column.type, "\(column.name)")
        if type == nil {
          #expect(column.meaning.contains("NULL"), "\(column.name) does not speak of NULL")
        }
      }
    }
  }

  private static let shell = ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"]
    .first(where: FileManager.default.isExecutableFile(atPath:))

  @Test(.enabled(if: shell != nil, "the sqlite3 shell is not installed"), arguments: names)
  func shellGivesTheSameCells(name: String) throws {
    let query = try CannedQuery.named(name)
    let file = try HandMadeFile.withEveryTrouble()
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.shell))
    process.arguments = ["-batch", "-separator", "\u{1F}", "-nullvalue", "NULL", file.path]
    let output = Pipe()
    process.standardInput = try FileHandle(
      forReadingFrom: Self.folder.appending(path: "\(query.name).sql"))
    process.standardOutput = output
    try process.run()
    let bytes = try #require(try output.fileHandleForReading.readToEnd())
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)

    // SQLite itself turns the cells into text, as it does for the shell.
    let statement = query.sql.replacing(/;\s*$/, with: "")
    let cells = query.columns.map { "coalesce(CAST(\"\($0.name)\" AS TEXT), 'NULL')" }
    let sql = "SELECT \(cells.joined(separator: " || char(31) || ")) FROM (\(statement))"
    let rows = try file.read { db in
      let nothing = query.parameters.reduce(into: [:]) { $0[$1.name] = DatabaseValue.null }
      return try String.fetchAll(db, sql: sql, arguments: StatementArguments(nothing))
    }
    #expect(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init) == rows)
  }
}
