internal import GRDB

/// Inserts the rows of `gradient_series`: what whole-run questions need, column by column.
///
/// Batches are gathered until ``gradientsPerRow`` is reached, the weights change, or the transaction
/// ends, so that the series is never behind the rows it repeats.
final class SeriesTable {
  private let statement: RowStatement
  private let runID: Int64
  private var firstGradientID: Int64 = 0
  private var firstBatchID: Int64 = 0
  private var batchCount = 0
  private var weightIDs: [Int64] = []
  private var norms: [Double] = []
  private var meansOfNonZero: [Double] = []
  private var absent: [UInt8] = []
  private var hasAbsent = false
  private var nonFinite: [NonFiniteCounts] = []
  private var hasNonFinite = false
  /// Empty as long as there is none, as are the slices: most gradients have no zero.
  private var zeroCounts: [Int64] = []
  private var zeroSlices: [ZeroSliceCounts] = []
  private var cosines: [Float] = []

  /// Enough that reading a row costs little beside its numbers: 64 KiB for each column.
  private static let gradientsPerRow = 8192

  init(run runID: Int64, in db: Database) throws {
    self.runID = runID
    statement = try RowStatement(into: "gradient_series", columns: Self.columns, in: db)
  }

  /// To be called before the gradients of a batch.
  func begin(batchID: Int64, firstGradientID first: Int64, weightIDs ids: some Collection<Int64>)
    throws
  {
    let follows =
      batchCount > 0 && batchID == firstBatchID + Int64(batchCount)
      && first == firstGradientID + Int64(norms.count)
    if !follows || norms.count >= Self.gradientsPerRow || !weightIDs.elementsEqual(ids) {
      try flush()
      (firstBatchID, firstGradientID) = (batchID, first)
      weightIDs.append(contentsOf: ids)
    }
    batchCount += 1
  }

  /// Adds the next gradient of the batch.
  func append(_ statistics: GradientStatistics) {
    norms.append(statistics.norm ?? .nan)
    meansOfNonZero.append(statistics.meanAbsNonZero ?? .nan)
    absent.append(0)
    nonFinite.append(NonFiniteCounts(statistics))
    if statistics.nonFiniteCount > 0 { hasNonFinite = true }
    append(zeroCount: Int64(statistics.zeroCount), ZeroSliceCounts(statistics))
    cosines.append(statistics.cosine.map(Float.init) ?? .nan)
  }

  /// Adds the next gradient of the batch, of which there is none.
  func appendAbsent() {
    norms.append(.nan)
    meansOfNonZero.append(.nan)
    absent.append(1)
    nonFinite.append(NonFiniteCounts())
    hasAbsent = true
    append(zeroCount: 0, ZeroSliceCounts())
    cosines.append(.nan)
  }

  /// Of the gradient whose cosine comes next.
  private func append(zeroCount: Int64, _ slices: ZeroSliceCounts) {
    if zeroCount > 0 || !zeroCounts.isEmpty {
      if zeroCounts.isEmpty {
        zeroCounts.append(contentsOf: repeatElement(0, count: cosines.count))
      }
      zeroCounts.append(zeroCount)
    }
    if slices != .none || !zeroSlices.isEmpty {
      if zeroSlices.isEmpty {
        zeroSlices.append(contentsOf: repeatElement(.none, count: cosines.count))
      }
      zeroSlices.append(slices)
    }
  }

  /// Inserts what was gathered. To be called last in each transaction.
  func flush() throws {
    defer { forget() }
    guard !norms.isEmpty else { return }
    try statement.run { row in
      row.bind(firstGradientID)
      row.bind(runID)
      row.bind(firstBatchID)
      row.bind(batchCount)
      row.bind(copyOf: weightIDs)
      row.bind(copyOf: norms)
      row.bind(copyOf: meansOfNonZero)
      if hasAbsent { row.bind(copyOf: absent) } else { row.bindNull() }
      if hasNonFinite { row.bind(copyOf: nonFinite) } else { row.bindNull() }
      if zeroCounts.isEmpty { row.bindNull() } else { row.bind(copyOf: zeroCounts) }
      if zeroSlices.isEmpty { row.bindNull() } else { row.bind(copyOf: zeroSlices) }
      row.bind(copyOf: cosines)
    }
  }

  /// Forgets what was gathered, and keeps the memory. To be called when a transaction is rolled back.
  func forget() {
    batchCount = 0
    weightIDs.removeAll(keepingCapacity: true)
    norms.removeAll(keepingCapacity: true)
    meansOfNonZero.removeAll(keepingCapacity: true)
    absent.removeAll(keepingCapacity: true)
    nonFinite.removeAll(keepingCapacity: true)
    zeroCounts.removeAll(keepingCapacity: true)
    zeroSlices.removeAll(keepingCapacity: true)
    cosines.removeAll(keepingCapacity: true)
    (hasAbsent, hasNonFinite) = (false, false)
  }

  private static let columns = [
    "first_gradient_id", "run_id", "first_batch_id", "batch_count", "weight_ids_blob", "norms_blob",
    "mean_abs_nonzero_blob", "absent_blob", "nonfinite_blob", "zero_counts_blob",
    "zero_slices_blob", "cosines_blob",
  ]
}

/// An entry of `nonfinite_blob`.
private struct NonFiniteCounts {
  var nan: Int64 = 0
  var posinf: Int64 = 0
  var neginf: Int64 = 0

  init() {}

  init(_ statistics: GradientStatistics) {
    nan = Int64(statistics.nanCount)
    posinf = Int64(statistics.posinfCount)
    neginf = Int64(statistics.neginfCount)
  }
}

/// An entry of `zero_slices_blob`: −1 for what a gradient does not have.
private struct ZeroSliceCounts: Equatable {
  var rows: Int32 = -1
  var columns: Int32 = -1

  /// A gradient that has rows and columns, of which none is zero.
  static let none = ZeroSliceCounts(rows: 0, columns: 0)
}

extension ZeroSliceCounts {
  init(_ statistics: GradientStatistics) {
    rows = Int32(clamping: statistics.zeroRows ?? -1)
    columns = Int32(clamping: statistics.zeroColumns ?? -1)
  }
}

extension SeriesTable {
  /// Takes batches out of the series of a run: those that follow them in the same row go with them,
  /// whole rows if need be. To be called before the batches of `batch_id`s in `table` are deleted.
  static func remove(batchesIn table: String, ofRun runID: Int64, in db: Database) throws {
    let kept = """
      (SELECT min(batch_id) - first_batch_id FROM \(table)
        WHERE batch_id >= first_batch_id AND batch_id < first_batch_id + batch_count)
      """
    // The entries of a batch take as many bytes as weight_ids_blob in a column of float64.
    func cut(_ column: String, _ bytes: String) -> String {
      "\(column) = substr(\(column), 1, \(kept) * length(weight_ids_blob) \(bytes))"
    }
    try db.execute(
      sql: """
        DELETE FROM gradient_series WHERE run_id = :run AND \(kept) = 0;
        UPDATE gradient_series SET batch_count = \(kept), \(cut("norms_blob", "")),
          \(cut("mean_abs_nonzero_blob", "")), \(cut("absent_blob", "/ 8")),
          \(cut("nonfinite_blob", "* 3")), \(cut("zero_counts_blob", "")),
          \(cut("zero_slices_blob", "")), \(cut("cosines_blob", "/ 2"))
        WHERE run_id = :run AND \(kept) > 0
        """, arguments: ["run": runID])
  }
}
