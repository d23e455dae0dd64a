internal import GRDB

/// Finds one batch after another in the series.
struct SeriesCursor {
  typealias Place = (run: Int, weight: Int)

  private let rows: SeriesRows?
  private var row: SeriesRow?
  /// What ``layout(_:)`` returns, and of which weights.
  private var places: [Place?] = []
  private var weightIDs: [Int64] = []
  private var isLaidOut = false

  init(of scope: RunScope, in db: Database) throws {
    rows = try SeriesRows(of: scope, with: .all, in: db)
    row = try rows?.next()
  }

  /// The row that covers a batch, and its first entry there; nil when none does. Batches are to be asked for in the
  /// order of their keys.
  mutating func find(_ batch: StoredBatch) throws -> (SeriesRow, first: Int)? {
    while let row, row.fits {
      let (place, overflows) = batch.batchID.subtractingReportingOverflow(row.firstBatchID)
      guard !overflows, place >= 0 else { return nil }
      guard place >= row.batchCount else { return entry(at: place, of: row, batch) }
      try advance()
    }
    // A row that is not whole is passed over: its batches are read from their own rows.
    if row != nil { try advance() }
    return nil
  }

  private mutating func advance() throws {
    row = try rows?.next()
    isLaidOut = false
  }

  private func entry(
    at place: Int64, of row: SeriesRow, _ batch: StoredBatch
  ) -> (SeriesRow, first: Int)? {
    let first = place * Int64(row.weightIDs.count)
    let (gradientID, overflows) = row.firstGradientID.addingReportingOverflow(first)
    guard !overflows, gradientID == batch.firstGradientID, row.runID == batch.runID,
      Int64(row.weightIDs.count) == batch.gradientCount
    else { return nil }
    return (row, Int(first))
  }

  /// Where the weights of the row that was found last are among some; nil for one that is not.
  mutating func layout(_ weights: [Int64: Place]) -> [Place?] {
    guard !isLaidOut, let ids = row?.weightIDs else { return places }
    isLaidOut = true
    let isSame = ids.count == weightIDs.count && ids.indices.allSatisfy { ids[$0] == weightIDs[$0] }
    guard !isSame else { return places }
    weightIDs = ids.indices.map { ids[$0] }
    places = weightIDs.map { weights[$0] }
    return places
  }
}

extension SeriesRow {
  /// A gradient as the detectors see it.
  func gradient(_ entry: Int, of weight: Int) -> ObservedGradient {
    if isAbsent(entry) { return ObservedGradient(absent: weight) }
    var gradient = ObservedGradient(weight: weight)
    gradient.norm = norms[entry]
    gradient.meanAbsNonZero = meansOfNonZero[entry]
    gradient.zeroCount = Bounds.bounded(zeroCount(entry))
    if let slices = zeroSlices(entry) {
      gradient.zeroRows = Int(slices.rows)
      gradient.zeroColumns = Int(slices.columns)
    }
    gradient.cosine = cosine(entry) ?? .nan
    guard !isFinite else { return gradient }
    let counts = nonFiniteElements(entry)
    gradient.nanCount = Bounds.bounded(counts.nan)
    gradient.posinfCount = Bounds.bounded(counts.posinf)
    gradient.neginfCount = Bounds.bounded(counts.neginf)
    return gradient
  }
}
