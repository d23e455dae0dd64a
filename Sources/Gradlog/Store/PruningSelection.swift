internal import GRDB

/// Which batches and weights lose their values.
package struct PruningSelection: Sendable {
  /// Name of the run; nil for all.
  package var run: String?
  /// Index of the process in a distributed run; nil for all.
  package var rank: Int?
  /// Pattern of weight names, in the syntax of SQLite's GLOB; nil for all.
  package var weight: String?
  /// First epoch, zero-based; nil for the first there is.
  package var firstEpoch: Int?
  /// Last epoch, itself included; nil for the last there is.
  package var lastEpoch: Int?
  /// Only batches recorded before this Unix time; nil for all.
  package var before: Double?
  /// How many batches are spared before and after the one where a finding began, and the one where it
  /// was last seen, these included; nil spares none.
  package var findingMargin: Int?

  /// Everything.
  package init() {}

  /// Conditions over `runs` and `batches`; those of the parameters that they do not name are left out.
  var batchConditions: String {
    var conditions = ["1"]
    if run != nil { conditions.append("runs.name = :run") }
    if rank != nil { conditions.append("runs.rank = :rank") }
    if firstEpoch != nil { conditions.append("epoch >= :first_epoch") }
    if lastEpoch != nil { conditions.append("epoch <= :last_epoch") }
    if before != nil { conditions.append("recorded_at < :before") }
    return conditions.joined(separator: " AND ")
  }

  /// Values of the parameters in ``batchConditions``.
  var batchArguments: StatementArguments {
    var arguments: [String: (any DatabaseValueConvertible)?] = [:]
    if let run { arguments["run"] = run }
    if let rank { arguments["rank"] = rank }
    if let firstEpoch { arguments["first_epoch"] = firstEpoch }
    if let lastEpoch { arguments["last_epoch"] = lastEpoch }
    if let before { arguments["before"] = before }
    return StatementArguments(arguments)
  }

  /// The keys of the batches that are spared.
  func sparedBatches(in db: Database) throws -> SparedBatches {
    guard let findingMargin else { return SparedBatches(ranges: [:]) }
    return try SparedBatches(margin: findingMargin, in: db)
  }
}

/// Batches around findings.
struct SparedBatches {
  /// Keys of batches, by run.
  private let ranges: [Int64: [ClosedRange<Int64>]]

  init(ranges: [Int64: [ClosedRange<Int64>]]) {
    self.ranges = ranges
  }

  /// `margin` batches of the run on either side of where each finding that is more than information began and was last seen.
  init(margin: Int, in db: Database) throws {
    let places = try Row.fetchAll(
      db,
      sql: """
        SELECT run_id, first_batch_id AS batch_id FROM findings WHERE severity <> 'info'
        UNION SELECT run_id, last_batch_id FROM findings WHERE severity <> 'info'
        """)
    var ranges: [Int64: [ClosedRange<Int64>]] = [:]
    for place in places {
      let runID = try place.decode(Int64.self, forColumn: "run_id")
      let batchID = try place.decode(Int64.self, forColumn: "batch_id")
      func end(_ sql: String) throws -> Int64 {
        try Int64.fetchOne(db, sql: sql, arguments: [batchID, runID, margin]) ?? batchID
      }
      let first = try end(
        """
        SELECT min(batch_id) FROM (SELECT batch_id FROM batches NOT INDEXED
          WHERE batch_id < ? AND run_id = ? ORDER BY batch_id DESC LIMIT ?)
        """)
      let last = try end(
        """
        SELECT max(batch_id) FROM (SELECT batch_id FROM batches NOT INDEXED
          WHERE batch_id > ? AND run_id = ? ORDER BY batch_id LIMIT ?)
        """)
      ranges[runID, default: []].append(first...last)
    }
    self.ranges = ranges
  }

  func contains(_ batchID: Int64, ofRun runID: Int64) -> Bool {
    ranges[runID]?.contains { $0.contains(batchID) } ?? false
  }
}
