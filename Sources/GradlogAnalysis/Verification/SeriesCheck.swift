internal import GRDB
internal import Gradlog

/// Whether `gradient_series` repeats what the rows say. Rows that are wrong themselves were told already, so
/// it is looked at only in a file that is sound otherwise.
struct SeriesCheck {
  private let index: RecordingIndex
  private let runs: [Int64: RecordingIndex.Run]
  private let log: FaultLog
  private let series: PreparedStatement
  private let gradients: PreparedStatement

  init(
    db: Database, format: FileFormat, index: RecordingIndex, runs: [Int64: RecordingIndex.Run],
    log: FaultLog
  ) throws {
    self.index = index
    self.runs = runs
    self.log = log
    series = try PreparedStatement(
      """
      SELECT first_gradient_id, run_id, first_batch_id, batch_count, weight_ids_blob, absent_blob,
        norms_blob, mean_abs_nonzero_blob, nonfinite_blob,
        \(format.selecting(["zero_counts_blob", "zero_slices_blob", "cosines_blob"]))
      FROM gradient_series ORDER BY first_gradient_id
      """, on: db)
    gradients = try PreparedStatement(
      """
      SELECT gradient_id, batch_id, weight_id, absent, norm,
        sum_abs / nullif(element_count - nan_count - posinf_count - neginf_count - zero_count, 0),
        nan_count, posinf_count, neginf_count, epoch, batch, zero_count,
        \(format.selecting(["zero_rows", "zero_columns", "cosine"]))
      FROM gradient_statistics JOIN weights USING (weight_id) JOIN batches USING (batch_id)
      WHERE gradient_id >= :first ORDER BY gradient_id LIMIT :count
      """, on: db)
  }

  func run() throws {
    while try series.step() {
      guard let run = runs[series.integer(at: 1)] else { continue }
      let row = StoredSeries(series)
      guard row.fits else {
        try log.add(
          .series, at: run.place,
          "the blobs of row \(row.firstGradientID) do not fit \(row.batchCount) batches of "
            + "\(row.weightIDs.count) weights")
        continue
      }
      try compare(row, of: run)
    }
  }

  private func compare(_ row: StoredSeries, of run: RecordingIndex.Run) throws {
    gradients.reset()
    try gradients.bind(.integer(row.firstGradientID), to: "first")
    try gradients.bind(.integer(Int64(row.count)), to: "count")
    for entry in 0..<row.count {
      guard try gradients.step() else {
        return try log.add(
          .series, at: run.place,
          "row \(row.firstGradientID) covers \(row.count) gradients, of which \(entry) are there")
      }
      guard let problem = row.problem(entry, gradients) else { continue }
      var place = run.place
      place.epoch = Int(gradients.integer(at: 9))
      place.batch = Int(gradients.integer(at: 10))
      place.weight = index.weights[gradients.integer(at: 2)]?.name
      return try log.add(.series, at: place, problem)
    }
  }
}

/// A row of `gradient_series`, valid until the next one is read.
private struct StoredSeries {
  let firstGradientID: Int64
  let firstBatchID: Int64
  let batchCount: Int64
  let weightIDs: Entries<Int64>
  private let absent: Entries<UInt8>
  private let norms: Entries<Double>
  private let means: Entries<Double>
  private let nonFinite: Entries<NonFiniteElements>
  private let zeroCounts: Entries<Int64>
  private let zeroSlices: Entries<ZeroSliceEntry>
  private let cosines: Entries<Float>

  init(_ row: PreparedStatement) {
    firstGradientID = row.integer(at: 0)
    firstBatchID = row.integer(at: 2)
    batchCount = row.integer(at: 3)
    weightIDs = Entries(row.bytes(at: 4))
    absent = Entries(row.bytes(at: 5))
    norms = Entries(row.bytes(at: 6))
    means = Entries(row.bytes(at: 7))
    nonFinite = Entries(row.bytes(at: 8))
    zeroCounts = Entries(row.bytes(at: 9))
    zeroSlices = Entries(row.bytes(at: 10))
    cosines = Entries(row.bytes(at: 11))
  }

  /// Gradients that the row covers.
  var count: Int { norms.count }

  /// Whether every column has an entry for each gradient.
  var fits: Bool {
    weightIDs.count > 0 && batchCount > 0 && norms.count % weightIDs.count == 0
      && norms.count / weightIDs.count == batchCount && means.count == norms.count
      && [0, norms.count].contains(absent.count) && [0, norms.count].contains(nonFinite.count)
      && [0, cosines.count].contains(zeroCounts.count)
      && [0, cosines.count].contains(zeroSlices.count)
      && [0, norms.count].contains(cosines.count)
  }

  /// How an entry differs from the row of `gradient_statistics`; nil when it does not.
  func problem(_ entry: Int, _ row: PreparedStatement) -> String? {
    let elements = nonFinite.count > 0 ? nonFinite[entry] : NonFiniteElements()
    let integers: [(String, Int64, Int32)] = [
      ("gradient_id", firstGradientID + Int64(entry), 0),
      ("batch_id", firstBatchID + Int64(entry / weightIDs.count), 1),
      ("weight_id", weightIDs[entry % weightIDs.count], 2),
      ("absent", absent.count > 0 ? Int64(absent[entry]) : 0, 3),
      ("nan_count", elements.nan, 6), ("posinf_count", elements.posinf, 7),
      ("neginf_count", elements.neginf, 8),
    ]
    for (name, number, column) in integers where number != row.integer(at: column) {
      return difference(name, .integer(number), row.value(at: column))
    }
    for (name, number, column) in [("norm", norms[entry], 4), ("mean", means[entry], Int32(5))] {
      let stored = row.real(at: column)
      if stored.map({ $0 != number }) ?? !number.isNaN {
        return difference(name, number.isNaN ? .null : .real(number), row.value(at: column))
      }
    }
    return cosines.count > 0 ? newerProblem(entry, row) : nil
  }

  /// The same of what a recorder of format 2 did not write.
  private func newerProblem(_ entry: Int, _ row: PreparedStatement) -> String? {
    let slices = zeroSlices.count > 0 ? zeroSlices[entry] : ZeroSliceEntry()
    let integers: [(String, Int64, Int32)] = [
      ("zero_count", zeroCounts.count > 0 ? zeroCounts[entry] : 0, 11),
      ("zero_rows", Int64(slices.rows), 12), ("zero_columns", Int64(slices.columns), 13),
    ]
    for (name, number, column) in integers {
      // Only the count of an absent gradient is 0; of what is never negative −1 means NULL.
      let isCount = name == "zero_count"
      let stored =
        row.value(at: column).integer.map { isCount ? $0 : min($0, Int64(Int32.max)) }
        ?? (isCount ? 0 : -1)
      if number != stored { return difference(name, .integer(number), row.value(at: column)) }
    }
    let stored = row.real(at: 14)
    if stored.map({ Float($0) != cosines[entry] }) ?? !cosines[entry].isNaN {
      let number = Double(cosines[entry])
      return difference("cosine", number.isNaN ? .null : .real(number), row.value(at: 14))
    }
    return nil
  }

  private func difference(_ name: String, _ series: CellValue, _ row: CellValue) -> String {
    let label = name == "mean" ? "the mean of |g| over non-zero elements" : name
    return "\(label) is \(DisplayText.cell(series)) in gradient_series, and "
      + "\(DisplayText.cell(row)) in gradient_statistics"
  }
}
