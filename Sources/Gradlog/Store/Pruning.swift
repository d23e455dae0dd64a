internal import GRDB
internal import GRDBSQLite

/// How far a pruning is.
package enum PruningProgress: Sendable, Equatable {
  /// Values are being dropped: bytes so far.
  case dropping(bytes: Int)
  /// The file is being written anew without the free pages: bytes so far, and in all.
  case compacting(bytes: Int, of: Int)
}

/// Drops values or runs of a recording.
///
/// Every transaction is small and ends between two batches, so whoever is killed leaves a sound file
/// in which each batch is as it was before or as it will be.
package struct Pruning {
  private let path: String
  private let database: DatabaseQueue

  /// Bytes of values, and rows, after which a transaction ends. It bounds the log beside the file, and
  /// how long a recorder of another run waits.
  private static let transactionBytes = 64 << 20
  private static let transactionRows = 20_000

  /// Opens a file that exists.
  ///
  /// - Throws: ``GradlogError`` when it cannot be written.
  package init(path: String) throws(GradlogError) {
    self.path = path
    database = try DatabaseFile.openForRecording(path)
  }

  /// Closes the file, which is one plain file afterwards unless another program has it open.
  ///
  /// - Throws: ``GradlogError`` when what was written cannot be moved into it.
  package func close() throws(GradlogError) {
    try DatabaseFile.finish(database)
  }

  /// Drops the values of a selection; their statistics stay.
  ///
  /// - Parameters:
  ///   - selection: which.
  ///   - continues: told how far it is after each transaction; returns false to stop there.
  /// - Returns: false when it was stopped.
  /// - Throws: ``GradlogError`` when a run of the selection is being recorded, or SQLite refuses.
  package func dropValues(
    _ selection: PruningSelection, _ continues: (PruningProgress) -> Bool
  ) throws(GradlogError) -> Bool {
    let values = SelectedValues(weight: selection.weight)
    return try inTransactions(selection, continues) { db in
      try selection.sparedBatches(in: db)
    } drop: { spared, batch, db in
      guard !spared.contains(batch.batchID, ofRun: batch.runID) else { return (0, 0) }
      let size = try values.measure(batch, in: db)
      if size.gradients > 0 { try values.delete(batch, in: db) }
      return size
    }
  }

  /// Deletes the run of a name: of one rank, or of all when `rank` is nil.
  ///
  /// Until it is complete, the run's `failure` says so.
  ///
  /// - Returns: false when it was stopped; what is left of the run is sound then.
  /// - Throws: ``GradlogError`` when the run is being recorded, or SQLite refuses.
  package func deleteRun(
    _ name: String, rank: Int?, _ continues: (PruningProgress) -> Bool
  ) throws(GradlogError) -> Bool {
    var selection = PruningSelection()
    (selection.run, selection.rank) = (name, rank)
    let values = SelectedValues(weight: nil)
    let isComplete = try inTransactions(selection, continues) { db in
      try RunDeletion.begin(name, rank: rank, in: db)
    } drop: { _, batch, db in
      let size = try values.measure(batch, in: db)
      try values.delete(batch, in: db)
      try RunDeletion.delete(batch, in: db)
      // The rows of the statistics count as well towards the size of a transaction.
      return (max(size.gradients, Int(clamping: batch.gradientCount)), size.bytes)
    }
    guard isComplete else { return false }
    try write { db in
      try refuseIfRecorded(selection, in: db)
      try RunDeletion.end(name, rank: rank, in: db)
    }
    return true
  }

  /// Goes through the batches of a selection, a bounded number of them in a transaction.
  ///
  /// `begin` is called first in each transaction, `drop` for each batch; it returns the rows and bytes
  /// that it dropped.
  private func inTransactions<State>(
    _ selection: PruningSelection, _ continues: (PruningProgress) -> Bool,
    begin: (Database) throws -> State,
    drop: (State, SelectedBatch, Database) throws -> (gradients: Int, bytes: Int)
  ) throws(GradlogError) -> Bool {
    var last = Int64.min
    var bytes = 0
    var isComplete = false
    while !isComplete {
      guard continues(.dropping(bytes: bytes)) else { return false }
      try write { db in
        try refuseIfRecorded(selection, in: db)
        let state = try begin(db)
        var (rows, size) = (0, 0)
        let chosen = try Self.batches(of: selection, after: last, in: db)
        for batch in chosen {
          let dropped = try drop(state, batch, db)
          rows += dropped.gradients
          size += dropped.bytes
          last = batch.batchID
          if rows >= Self.transactionRows || size >= Self.transactionBytes { break }
        }
        bytes += size
        isComplete = chosen.last.map { $0.batchID == last } ?? true && chosen.count < Self.window
      }
    }
    return continues(.dropping(bytes: bytes))
  }

  /// Batches that are looked at in one transaction at most.
  private static let window = 10_000

  private static func batches(
    of selection: PruningSelection, after last: Int64, in db: Database
  ) throws -> [SelectedBatch] {
    let cursor = try SelectedBatch.cursor(selection, after: last, in: db)
    var batches: [SelectedBatch] = []
    while batches.count < window, let batch = try cursor.next() { batches.append(batch) }
    return batches
  }

  private func refuseIfRecorded(_ selection: PruningSelection, in db: Database) throws {
    if let run = try LiveRun.first(named: selection.run, rank: selection.rank, in: db) {
      throw run.refusal("pruned", path: path)
    }
  }

  private func write(_ body: (Database) throws -> Void) throws(GradlogError) {
    do {
      try database.write(body)
    } catch {
      throw GradlogError(error, path: path)
    }
  }
}

/// The rows of a run that is being deleted.
private enum RunDeletion {
  private static let runs = "name = :name AND (:rank IS NULL OR rank = :rank)"

  /// Says in the run what is going on, and drops its findings and its series: they refer to batches.
  static func begin(_ name: String, rank: Int?, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE runs SET failure = 'gradlog prune did not finish deleting this run',
          values_stopped_batch_id = NULL, values_stopped_reason = NULL WHERE \(runs)
        """, arguments: ["name": name, "rank": rank])
    for table in ["findings", "gradient_series"] {
      try db.execute(
        sql: "DELETE FROM \(table) WHERE run_id IN (SELECT run_id FROM runs WHERE \(runs))",
        arguments: ["name": name, "rank": rank])
    }
  }

  static func delete(_ batch: SelectedBatch, in db: Database) throws {
    try db.cachedStatement(
      sql: """
        DELETE FROM gradient_statistics
        WHERE gradient_id BETWEEN :first AND :last AND batch_id = :batch
        """
    ).execute(
      arguments: [
        "first": batch.firstGradientID, "last": batch.lastGradientID, "batch": batch.batchID,
      ])
    for table in ["freezings WHERE first_batch_id", "batches WHERE batch_id"] {
      try db.cachedStatement(sql: "DELETE FROM \(table) = ?").execute(arguments: [batch.batchID])
    }
  }

  static func end(_ name: String, rank: Int?, in db: Database) throws {
    for table in ["weights", "runs"] {
      try db.execute(
        sql: "DELETE FROM \(table) WHERE run_id IN (SELECT run_id FROM runs WHERE \(runs))",
        arguments: ["name": name, "rank": rank])
    }
  }
}
