internal import GRDB

/// A row of `batches`, as far as the detectors see it.
struct StoredBatch {
  let batchID: Int64
  let runID: Int64
  let firstGradientID: Int64
  let gradientCount: Int64
  /// Of optimizer 0.
  let observed: ObservedBatch
}

/// Reads `batches` row by row, in the order in which they were recorded.
final class StoredBatches {
  private let rows: PreparedStatement

  /// The batches of some runs, up to the one at which they are to be cut off.
  init(of scope: RunScope, before end: RecordedBatch?, in db: Database) throws {
    let range =
      switch scope {
      // The keys of one run among many are found in an index.
      case .one:
        """
        AND batch_id BETWEEN (SELECT min(batch_id) FROM batches WHERE run_id = :run)
          AND (SELECT max(batch_id) FROM batches WHERE run_id = :run)
        """
      case .all, .named: ""
      }
    rows = try PreparedStatement(
      """
      SELECT batch_id, run_id, first_gradient_id, gradient_count, epoch, batch, step, loss,
        loss_is_nan, learning_rate, loss_scale, optimizer
      FROM batches NOT INDEXED
      WHERE \(scope.condition) \(range)
        \(end == nil ? "" : "AND (epoch, batch) < (:epoch, :batch)")
      ORDER BY batch_id
      """, on: db)
    try scope.bind(to: rows)
    guard let end else { return }
    try rows.bind(Int64(end.epoch), to: "epoch")
    try rows.bind(Int64(end.batch), to: "batch")
  }

  /// The next batch; nil after the last one.
  func next() throws -> StoredBatch? {
    guard try rows.step() else { return nil }
    let place = BatchPlace(
      batchID: rows.integer(at: 0), epoch: Bounds.bounded(rows.integer(at: 4)),
      batch: Bounds.bounded(rows.integer(at: 5)), step: Bounds.bounded(rows.integer(at: 6)),
      learningRate: rows.real(at: 9))
    return StoredBatch(
      batchID: place.batchID, runID: rows.integer(at: 1), firstGradientID: rows.integer(at: 2),
      gradientCount: rows.integer(at: 3),
      observed: ObservedBatch(
        place: place, loss: rows.integer(at: 8) != 0 ? .nan : rows.real(at: 7),
        lossScale: rows.real(at: 10)))
  }

  /// The optimizer of the batch that was read last, as UTF-8; valid until the next.
  var optimizer: UnsafeRawBufferPointer { rows.bytes(at: 11) }
}
