internal import GRDB

/// What a pruning drops, or has dropped, of one run.
package struct PruningShare: Sendable, Equatable {
  /// Name of the run.
  package let run: String
  /// Index of the process in a distributed run.
  package let rank: Int
  /// Batches of which something is dropped.
  package var batches = 0
  /// Gradients whose values are dropped.
  package var gradients = 0
  /// Bytes of these values.
  package var bytes = 0
}

/// One batch of a selection, and how its gradients are found.
struct SelectedBatch {
  let batchID: Int64
  let runID: Int64
  let run: String
  let rank: Int
  let firstGradientID: Int64
  let gradientCount: Int64

  /// The last key of its range, less than the first when there is none; a damaged range is cut off.
  var lastGradientID: Int64 {
    let (last, overflow) = firstGradientID.addingReportingOverflow(max(gradientCount, 0))
    return overflow ? .max : last - (last > .min ? 1 : 0)
  }

  /// The batches of a selection in order of their keys, from the one after `batchID` on.
  ///
  /// They are read through a cursor, so that a million of them need no memory.
  static func cursor(
    _ selection: PruningSelection, after batchID: Int64, in db: Database
  ) throws -> MapCursor<RowCursor, SelectedBatch> {
    var arguments = selection.batchArguments
    arguments += ["after": batchID]
    return try Row.fetchCursor(
      db,
      sql: """
        SELECT batch_id, batches.run_id, name, rank, first_gradient_id, gradient_count
        FROM batches NOT INDEXED JOIN runs ON runs.run_id = batches.run_id
        WHERE batch_id > :after AND \(selection.batchConditions) ORDER BY batch_id
        """,
      arguments: arguments
    ).map { row in
      SelectedBatch(
        batchID: try row.decode(Int64.self, forColumn: "batch_id"),
        runID: try row.decode(Int64.self, forColumn: "run_id"),
        run: try row.decode(String.self, forColumn: "name"),
        rank: try row.decode(Int.self, forColumn: "rank"),
        firstGradientID: try row.decode(Int64.self, forColumn: "first_gradient_id"),
        gradientCount: try row.decode(Int64.self, forColumn: "gradient_count"))
    }
  }
}

/// The values of one batch that a selection means.
struct SelectedValues {
  /// A condition over `gradient_values`. It names the batch again: the range of a damaged batch must
  /// not reach into another one.
  private let condition: String
  private let weight: String?

  init(weight: String?) {
    self.weight = weight
    condition = """
      gradient_id IN (SELECT gradient_id FROM gradient_statistics
        \(weight == nil ? "" : "JOIN weights USING (weight_id)")
        WHERE gradient_id BETWEEN :first AND :last AND batch_id = :batch
        \(weight == nil ? "" : "AND weights.name GLOB :weight"))
      """
  }

  /// How many gradients of the batch have such values, and their bytes.
  func measure(_ batch: SelectedBatch, in db: Database) throws -> (gradients: Int, bytes: Int) {
    let statement = try db.cachedStatement(
      sql: """
        SELECT count(*) AS gradients, coalesce(sum(length(values_blob)), 0) AS bytes
        FROM gradient_values WHERE \(condition)
        """)
    guard let row = try Row.fetchOne(statement, arguments: arguments(batch)) else { return (0, 0) }
    return (
      try row.decode(Int.self, forColumn: "gradients"), try row.decode(Int.self, forColumn: "bytes")
    )
  }

  /// Deletes them.
  func delete(_ batch: SelectedBatch, in db: Database) throws {
    try db.cachedStatement(sql: "DELETE FROM gradient_values WHERE \(condition)")
      .execute(arguments: arguments(batch))
  }

  private func arguments(_ batch: SelectedBatch) -> StatementArguments {
    var arguments: StatementArguments = [
      "first": batch.firstGradientID, "last": batch.lastGradientID, "batch": batch.batchID,
    ]
    if let weight { arguments += ["weight": weight] }
    return arguments
  }
}

/// What a pruning would drop, run by run, in the order in which the runs began.
package struct PruningPlan: Sendable {
  /// The runs that lose something, or that are deleted.
  package private(set) var shares: [PruningShare] = []

  /// Gradients whose values are dropped.
  package var gradients: Int { shares.reduce(0) { $0 + $1.gradients } }
  /// Bytes of these values.
  package var bytes: Int { shares.reduce(0) { $0 + $1.bytes } }
  /// Batches of which something is dropped.
  package var batches: Int { shares.reduce(0) { $0 + $1.batches } }

  /// What dropping the values of a selection from a file means.
  ///
  /// - Throws: ``GradlogError`` when the file cannot be read.
  package init(path: String, values selection: PruningSelection) throws(GradlogError) {
    try Self.read(path) { db in
      let spared = try selection.sparedBatches(in: db)
      try add(selection, in: db) { !spared.contains($0.batchID, ofRun: $0.runID) }
    }
    shares.removeAll { $0.gradients == 0 }
  }

  /// What deleting the run of a name means: of one rank, or of all when `rank` is nil.
  ///
  /// - Throws: ``GradlogError`` when the file cannot be read.
  package init(path: String, run name: String, rank: Int?) throws(GradlogError) {
    var selection = PruningSelection()
    (selection.run, selection.rank) = (name, rank)
    try Self.read(path) { db in
      let ranks = try Int.fetchAll(
        db,
        sql: """
          SELECT rank FROM runs WHERE name = :name AND (:rank IS NULL OR rank = :rank) ORDER BY rank
          """, arguments: ["name": name, "rank": rank])
      shares = ranks.map { PruningShare(run: name, rank: $0) }
      try add(selection, in: db, countingEmpty: true) { _ in true }
    }
  }

  private static func read(
    _ path: String, _ body: (Database) throws -> Void
  ) throws(GradlogError) {
    let reader = try DatabaseFile.openForReading(path)
    do {
      try reader.queue.read(body)
      try reader.close()
    } catch {
      throw GradlogError(error, path: path)
    }
  }

  private mutating func add(
    _ selection: PruningSelection, in db: Database, countingEmpty: Bool = false,
    where isSelected: (SelectedBatch) -> Bool
  ) throws {
    let values = SelectedValues(weight: selection.weight)
    let batches = try SelectedBatch.cursor(selection, after: .min, in: db)
    while let batch = try batches.next() {
      guard isSelected(batch) else { continue }
      let size = try values.measure(batch, in: db)
      let index = index(of: batch)
      if size.gradients > 0 || countingEmpty { shares[index].batches += 1 }
      shares[index].gradients += size.gradients
      shares[index].bytes += size.bytes
    }
  }

  private mutating func index(of batch: SelectedBatch) -> Int {
    if let index = shares.lastIndex(where: { $0.run == batch.run && $0.rank == batch.rank }) {
      return index
    }
    shares.append(PruningShare(run: batch.run, rank: batch.rank))
    return shares.count - 1
  }
}
