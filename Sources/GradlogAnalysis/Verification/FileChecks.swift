internal import GRDB
internal import Gradlog

/// What SQLite itself says of its pages, indexes and constraints.
struct IntegrityCheck {
  let db: Database
  let log: FaultLog

  func run() throws {
    let statement = try PreparedStatement("PRAGMA integrity_check", on: db)
    while try statement.step() {
      guard let message = statement.value(at: 0).text, message != "ok" else { continue }
      // One row may hold many lines, under a heading that names the database.
      for line in message.split(whereSeparator: \.isNewline) where !line.hasPrefix("***") {
        try log.add(.file, String(line))
      }
    }
  }
}

/// Format number, tables and view.
struct SchemaCheck {
  let db: Database
  let log: FaultLog

  /// Returns the format of the tables; nil when they cannot be read as gradlog's.
  ///
  /// A table that was made by another statement may be a view that never ends, so nothing is asked of
  /// it.
  func run() throws -> FileFormat? {
    let format = try FileFormat(of: db)
    guard (1...ExpectedSchema.newestFormat).contains(format.number) else {
      try log.add(.schema, "user_version is \(format.number), which no format of gradlog has")
      return nil
    }
    let entries = try PreparedStatement(
      "SELECT type, sql FROM sqlite_schema WHERE name = :name AND type IN ('table', 'view')", on: db
    )
    var isReadable = true
    for expected in try ExpectedSchema.entries(ofFormat: format.number) {
      entries.reset()
      try entries.bind(.text(expected.name), to: "name")
      let exists = try entries.step()
      let isAsExpected =
        exists && entries.value(at: 0).text == expected.type
        && entries.value(at: 1).text == expected.sql
      guard !isAsExpected else { continue }
      try log.add(
        .schema,
        "the \(expected.type) \(expected.name) is \(exists ? "not that of format \(format.number)" : "missing")"
      )
      if expected.type == "table" { isReadable = false }
    }
    guard isReadable else { return nil }
    try checkMigrations(format.number)
    return format
  }

  /// A recorder reads there which changes a file still needs.
  private func checkMigrations(_ format: Int) throws {
    let name = ExpectedSchema.migration(toFormat: format)
    let rows = try PreparedStatement(
      "SELECT 1 FROM grdb_migrations WHERE identifier = :name", on: db)
    try rows.bind(.text(name), to: "name")
    if try !rows.step() {
      try log.add(.schema, "grdb_migrations does not list '\(name)', though user_version says so")
    }
  }
}

/// Rows that refer to rows that are not there.
struct ReferenceCheck {
  let db: Database
  let log: FaultLog

  func run() throws {
    let violations = try PreparedStatement("PRAGMA foreign_key_check", on: db)
    let place = try PreparedStatement(
      """
      SELECT substr(runs.name, 1, 200), rank, epoch, batch, substr(weights.name, 1, 200)
      FROM (SELECT :key AS key) LEFT JOIN gradient_statistics ON gradient_id = key
        LEFT JOIN batches USING (batch_id)
        LEFT JOIN weights ON weights.weight_id = gradient_statistics.weight_id
        LEFT JOIN runs ON runs.run_id = coalesce(batches.run_id, weights.run_id)
      """, on: db)
    while try violations.step() {
      let table = violations.value(at: 0).text ?? "?"
      let key = violations.value(at: 1)
      let parent = violations.value(at: 2).text ?? "?"
      place.reset()
      let isGradient = ["gradient_statistics", "gradient_values"].contains(table)
      try place.bind(isGradient ? key : .null, to: "key")
      try log.add(
        .reference, at: try place.step() ? Self.place(place) : Fault.Place(),
        "\(key == .null ? "a row" : "row \(DisplayText.cell(key))") of \(table) refers to a row of \(parent) that is not there"
      )
    }
  }

  private static func place(_ row: PreparedStatement) -> Fault.Place {
    Fault.Place(
      run: row.value(at: 0).text, rank: row.value(at: 1).integer.map(Int.init),
      epoch: row.value(at: 2).integer.map(Int.init), batch: row.value(at: 3).integer.map(Int.init),
      weight: row.value(at: 4).text)
  }
}
