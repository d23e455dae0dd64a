package import GRDB

/// Reads `gradient_series` row by row, in the order in which the gradients were recorded.
package final class SeriesRows {
  private let columns: SeriesRow.Columns
  private let rows: PreparedStatement
  private let older: ZeroCounts?

  /// Reads the columns of numbers that are needed: none is read without need. nil when the file has no series.
  package init?(of scope: RunScope, with columns: SeriesRow.Columns, in db: Database) throws {
    guard try Self.exist(in: db) else { return nil }
    self.columns = columns
    rows = try PreparedStatement(Self.sql(scope, columns, FileFormat(of: db)), on: db)
    try scope.bind(to: rows)
    older = columns.contains(.zeroCounts) ? try ZeroCounts(db) : nil
  }

  /// Whether the file has a series, complete or not.
  package static func exist(in db: Database) throws -> Bool {
    try PreparedStatement(
      "SELECT 1 FROM sqlite_schema WHERE name = 'gradient_series' AND type = 'table'", on: db
    ).step()
  }

  /// The next row; nil after the last one.
  package func next() throws -> SeriesRow? {
    guard try rows.step() else { return nil }
    var row = SeriesRow(rows, reading: columns)
    if row.isOlder, row.fits, let older {
      row.zeroCounts = try older.read(from: row.firstGradientID, count: row.norms.count)
    }
    return row
  }

  private static func sql(
    _ scope: RunScope, _ columns: SeriesRow.Columns, _ format: FileFormat
  ) -> String {
    func blob(_ name: String, _ column: SeriesRow.Columns) -> String {
      columns.contains(column) ? format.selecting(name) : "NULL"
    }
    // Unlike IS NULL, this reads nothing of the blob.
    let isOlder = format.number < 3 ? "1" : "typeof(cosines_blob) = 'null'"
    return """
      SELECT run_id, first_batch_id, batch_count, first_gradient_id, weight_ids_blob, absent_blob,
        nonfinite_blob, \(blob("norms_blob", .norms)),
        \(blob("mean_abs_nonzero_blob", .meansOfNonZero)), \(blob("zero_counts_blob", .zeroCounts)),
        \(blob("zero_slices_blob", .zeroSlices)), \(blob("cosines_blob", .cosines)), \(isOlder)
      FROM gradient_series WHERE \(scope.condition) ORDER BY first_gradient_id
      """
  }
}

/// `zero_count` from the rows of gradients, for a part of the series that does not repeat it.
private final class ZeroCounts {
  private let rows: PreparedStatement
  private var counts = UnsafeMutableBufferPointer<Int64>(start: nil, count: 0)

  init(_ db: Database) throws {
    rows = try PreparedStatement(
      """
      SELECT gradient_id, zero_count FROM gradient_statistics
      WHERE gradient_id >= :first AND gradient_id < :first + :count ORDER BY gradient_id
      """, on: db)
  }

  deinit {
    counts.deallocate()
  }

  /// One for each gradient from a key on, 0 when absent; valid until the next are read.
  func read(from first: Int64, count: Int) throws -> Entries<Int64> {
    if counts.count < count {
      counts.deallocate()
      counts = .allocate(capacity: count)
    }
    counts.initialize(repeating: 0)
    rows.reset()
    try rows.bind(first, to: "first")
    try rows.bind(Int64(count), to: "count")
    while try rows.step() {
      let place = rows.integer(at: 0) - first
      if place < count { counts[Int(place)] = rows.integer(at: 1) }
    }
    return Entries(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(counts)[..<(8 * count)]))
  }
}
