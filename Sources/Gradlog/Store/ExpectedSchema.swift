internal import GRDB

/// The tables and views that a file of some format has.
package enum ExpectedSchema {
  /// A table or a view, with the statement that made it.
  package struct Entry: Sendable, Equatable {
    /// `table` or `view`.
    package let type: String
    /// What it is called.
    package let name: String
    /// The statement, as `sqlite_schema` keeps it.
    package let sql: String
  }

  /// The newest format that this code knows.
  package static var newestFormat: Int { Schema.version }

  /// Name of the migration that ends in a format, as `grdb_migrations` lists it.
  package static func migration(toFormat format: Int) -> String { "format-\(format)" }

  /// What a new file of the format holds.
  ///
  /// - Throws: whatever SQLite throws.
  package static func entries(ofFormat format: Int) throws -> [Entry] {
    let queue = try DatabaseQueue()
    try Schema.migrator.migrate(queue, upTo: migration(toFormat: format))
    return try queue.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT type, name, sql FROM sqlite_schema
          WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid
          """
      ).map { row in
        Entry(
          type: try row.decode(String.self, forColumn: "type"),
          name: try row.decode(String.self, forColumn: "name"),
          sql: try row.decode(String.self, forColumn: "sql"))
      }
    }
  }
}
