internal import GRDB
internal import Gradlog

/// Reads `gradient_series`, which holds what whole-run questions need column by column.
///
/// Only a complete series is read: a file from before there was one, or one that was added to by other
/// means, is asked in SQL.
final class SeriesReader {
  let index: SeriesIndex
  private let db: Database
  private let format: FileFormat
  private let epochs: ClosedRange<Int64>

  /// A series that covers every batch of the runs that are asked for; nil when the file has none.
  init?(_ question: SeriesQuestion, in db: Database) throws {
    guard try SeriesRows.exist(in: db) else { return nil }
    self.db = db
    format = try FileFormat(of: db)
    epochs = question.epochs
    index = try SeriesIndex(of: question, in: db)
    guard try isComplete() else { return nil }
  }

  /// Hands over each row, in the order in which the gradients were recorded, with the columns of
  /// numbers that are needed: none is read without need.
  func forEachChunk(
    with columns: SeriesRow.Columns = [], _ body: (SeriesChunk) throws -> Void
  ) throws {
    guard let rows = try SeriesRows(of: .all, with: columns, in: db) else { return }
    var layout = SeriesLayout([], index)
    while let row = try rows.next() {
      guard let first = index.index(ofBatch: row.firstBatchID) else { continue }
      let weights = row.weightIDs.indices.compactMap { index.index(ofWeight: row.weightIDs[$0]) }
      if weights != layout.weights { layout = SeriesLayout(weights, index) }
      try body(
        SeriesChunk(
          batches: index.batches[first..<first + Int(row.batchCount)], epochs: epochs,
          layout: layout, row: row))
    }
  }

  /// Whether the rows cover every batch, and have as many entries as they say.
  private func isComplete() throws -> Bool {
    let newer = ["zero_counts_blob", "zero_slices_blob", "cosines_blob"]
    let lengths = newer.map { format.number < 3 ? "NULL" : "length(\($0))" }.joined(separator: ", ")
    let rows = try PreparedStatement(
      """
      SELECT first_batch_id, batch_count, first_gradient_id, run_id, weight_ids_blob,
        length(norms_blob), length(mean_abs_nonzero_blob), length(absent_blob),
        length(nonfinite_blob), \(lengths)
      FROM gradient_series ORDER BY first_gradient_id
      """, on: db)
    var covered = 0
    var end = 0
    while try rows.step() {
      guard let first = index.index(ofBatch: rows.integer(at: 0)) else { continue }
      guard first >= end, let count = coverage(from: first, rows) else { return false }
      covered += count
      end = first + count
    }
    return covered == index.batches.count { $0.gradientCount > 0 }
  }

  /// The batches that a row covers; nil when it contradicts them or itself.
  private func coverage(from first: Int, _ row: PreparedStatement) -> Int? {
    let ids = Entries<Int64>(row.bytes(at: 4))
    let batchCount = Int(row.integer(at: 1))
    guard (1...index.batches.count - first).contains(batchCount), ids.count > 0 else { return nil }
    let runID = row.integer(at: 3)
    for place in 0..<batchCount {
      let batch = index.batches[first + place]
      guard batch.runID == runID, batch.batchID == index.batches[first].batchID + Int64(place),
        batch.gradientCount == ids.count,
        batch.firstGradientID == row.integer(at: 2) + Int64(place * ids.count)
      else { return nil }
    }
    let knowsWeights = (0..<ids.count).allSatisfy { index.index(ofWeight: ids[$0]) != nil }
    let entries = batchCount * ids.count
    func has(_ column: Int32, _ bytes: Int, isOptional: Bool = false) -> Bool {
      row.real(at: column).map { $0 == Double(bytes * entries) } ?? isOptional
    }
    return knowsWeights && has(5, 8) && has(6, 8) && has(7, 1, isOptional: true)
      && has(8, 24, isOptional: true) && has(9, 8, isOptional: true)
      && has(10, 8, isOptional: true) && has(11, 4, isOptional: true) ? batchCount : nil
  }
}
