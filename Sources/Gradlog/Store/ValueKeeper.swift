internal import GRDB

/// Keeps the values of gradients as the capture plan says.
final class ValueKeeper {
  private let db: Database
  private let runID: Int64
  private let plan: CapturePlan
  private let statement: RowStatement
  private let encoder: ValueEncoder
  private let recent: RecentValues
  /// Batches that are still to be kept after a finding.
  private var batchesAfterFinding = 0
  /// Bytes of the file when the transaction began, and of the values since.
  private var fileBytes = 0
  /// Whether the file has reached its budget.
  private var isExhausted = false

  /// SQLite's default limit on the bytes of a blob.
  private static let largestBlob = 1_000_000_000

  init(run runID: Int64, plan: CapturePlan, in db: Database) throws {
    self.db = db
    self.runID = runID
    self.plan = plan
    statement = try RowStatement(
      into: "gradient_values", columns: ["gradient_id", "encoding", "values_blob"], in: db)
    encoder = ValueEncoder(plan.encoding)
    guard case .aroundFindings(let before, _) = plan.schedule else {
      recent = RecentValues(batches: 0)
      return
    }
    recent = RecentValues(batches: before)
  }

  /// To be called first in each transaction.
  func beginTransaction() throws {
    guard plan.fileBudget != nil, !isExhausted else { return }
    let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
    let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
    fileBytes = pages * pageSize
  }

  /// To be called when a transaction is rolled back: what waits belongs to rows that may be gone.
  func forgetTransaction() {
    recent.removeAll()
  }

  /// To be called before the gradients of a batch.
  func beginBatch() {
    recent.beginBatch()
  }

  /// Keeps the values of one gradient, at once or until it is known what is found in its batch.
  /// Returns false when they were to be kept but do not fit in a blob.
  func keep(_ tensor: RecordedTensor, gradientID: Int64, batch: BatchPlace) throws -> Bool {
    if case .aroundFindings = plan.schedule {
      let values = encoder.encode(tensor)
      guard values.bytes.count <= Self.largestBlob else { return false }
      recent.append(values, gradientID: gradientID, batchID: batch.batchID)
      return true
    }
    guard plan.includes(epoch: batch.epoch, step: batch.step) else { return true }
    return try write(encoder.encode(tensor), gradientID: gradientID, batchID: batch.batchID)
  }

  /// To be called after the gradients of a batch; `begins` says whether a finding began in it.
  func endBatch(findingBegins begins: Bool) throws {
    guard case .aroundFindings(_, let after) = plan.schedule else { return }
    if begins || batchesAfterFinding > 0 {
      batchesAfterFinding = begins ? after : batchesAfterFinding - 1
      try recent.visit { values, gradientID, batchID in
        _ = try write(values, gradientID: gradientID, batchID: batchID)
      }
      recent.removeAll()
    } else {
      recent.endBatch()
    }
  }

  private func write(
    _ values: EncodedValues, gradientID: Int64, batchID: Int64
  ) throws -> Bool {
    guard values.bytes.count <= Self.largestBlob else { return false }
    guard try hasBudget(for: values.bytes.count, batchID: batchID) else { return true }
    try statement.run { row in
      row.bind(gradientID)
      switch values.encoding {
      case .dense: row.bind(literal: "dense")
      case .float16: row.bind(literal: "float16")
      case .bfloat16: row.bind(literal: "bfloat16")
      case .rows: row.bind(literal: "rows")
      }
      row.bind(values.bytes)
    }
    return true
  }

  private func hasBudget(for byteCount: Int, batchID: Int64) throws -> Bool {
    guard let budget = plan.fileBudget else { return true }
    guard !isExhausted else { return false }
    fileBytes += byteCount
    guard fileBytes > budget else { return true }
    isExhausted = true
    try db.execute(
      sql: """
        UPDATE runs SET values_stopped_batch_id = ?, values_stopped_reason = ? WHERE run_id = ?
        """,
      arguments: [
        batchID, "the file reached its budget of \(budget) bytes; statistics went on", runID,
      ])
    return false
  }
}
