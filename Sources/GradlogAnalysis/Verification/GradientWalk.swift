internal import GRDB
internal import Gradlog

/// Looks at each batch and, through its range of keys, at each of its gradients once.
///
/// Ranges that overlap are cut off where the next one begins, so that a hostile file cannot have its
/// rows looked at again and again.
final class GradientWalk {
  private let index: RecordingIndex
  private let runs: [Int64: RecordingIndex.Run]
  private let log: FaultLog
  private let batches: PreparedStatement
  private let strays: PreparedStatement
  private let gradients: GradientCheck
  private let lastKey: Int64
  private var batchCount = 0

  init(
    db: Database, format: FileFormat, index: RecordingIndex, runs: [Int64: RecordingIndex.Run],
    sample: ValuesSample, log: FaultLog
  ) throws {
    self.index = index
    self.runs = runs
    self.log = log
    batches = try PreparedStatement(
      """
      SELECT batch_id, run_id, epoch, batch, call, step, loss_is_nan, loss IS NOT NULL,
        first_gradient_id, gradient_count,
        iif(length(optimizer) <= 200, optimizer, 'batch ' || batch_id)
      FROM batches ORDER BY first_gradient_id, batch_id
      """, on: db)
    strays = try PreparedStatement(
      """
      SELECT gradient_id, weight_id FROM gradient_statistics
      WHERE gradient_id BETWEEN :first AND :last ORDER BY gradient_id
      """, on: db)
    gradients = try GradientCheck(
      db: db, format: format, index: index, sample: sample, log: log)
    let keys = try PreparedStatement("SELECT max(gradient_id) FROM gradient_statistics", on: db)
    lastKey = try keys.step() ? keys.value(at: 0).integer ?? 0 : 0
  }

  /// Adds what was looked at.
  func addCounts(to summary: inout VerificationSummary) {
    summary.batches += batchCount
    gradients.addCounts(to: &summary)
  }

  /// Looks at everything, and tells `progress` the share that is done, 0 to 1.
  func run(_ progress: (Double) -> Void) throws {
    /// The key after the last range.
    var end = Int64.min
    var next = try nextBatch()
    while let batch = next {
      next = try nextBatch()
      if let range = batch.range {
        try reportStrays(from: end, before: range.lowerBound)
        let limit = min(range.upperBound, next?.range?.lowerBound ?? .max)
        end = max(end, limit)
        try check(batch, range.lowerBound..<limit)
        progress(Double(range.lowerBound) / Double(max(lastKey, 1)))
      } else {
        try check(batch, nil)
      }
    }
    try reportStrays(from: end, before: nil)
  }

  private func nextBatch() throws -> StoredBatch? {
    try batches.step() ? StoredBatch(batches) : nil
  }

  private func check(_ batch: StoredBatch, _ keys: Range<Int64>?) throws {
    guard let runID = batch.runID, let run = runs[runID] else { return }
    batchCount += 1
    var place = run.place
    (place.epoch, place.batch) = (
      batch.epoch.integer.map(Int.init), batch.batch.integer.map(Int.init)
    )
    if let problem = batch.problem { try log.add(.batch, at: place, problem) }
    guard let keys, let range = batch.range else { return }
    let found = try gradients.check(batch, runID: runID, keys: keys, at: place)
    if keys.upperBound < range.upperBound {
      try log.add(
        .batch, at: place,
        "its gradients \(range.lowerBound) to \(range.upperBound - 1) overlap those of the next batch"
      )
    } else if found != range.count {
      try log.add(
        .batch, at: place, "gradient_count is \(range.count), and \(found) rows are there")
    }
  }

  /// Rows between two ranges belong to no batch, so the view `gradients` does not show them.
  private func reportStrays(from first: Int64, before end: Int64?) throws {
    guard runs.count == index.runs.count, end.map({ first < $0 }) ?? true else { return }
    strays.reset()
    try strays.bind(.integer(first), to: "first")
    try strays.bind(.integer(end.map { $0 - 1 } ?? .max), to: "last")
    while try strays.step() {
      let weight = strays.value(at: 1).integer.flatMap { index.weights[$0] }
      var place = weight?.runID.flatMap { runs[$0]?.place } ?? Fault.Place()
      place.weight = weight?.name
      let key = strays.value(at: 0).integer ?? 0
      try log.add(.gradient, at: place, "gradient \(key) is in the range of no batch")
    }
  }
}

/// A row of `batches`.
struct StoredBatch {
  let batchID: Int64
  let runID: Int64?
  let epoch: CellValue
  let batch: CellValue
  /// Which of several optimizers; one of its own for a name that is too long to be kept.
  let optimizer: String
  /// Keys of its gradients; nil when they make no range.
  let range: Range<Int64>?
  /// What is wrong with the row; nil when nothing is.
  let problem: String?

  init(_ row: PreparedStatement) {
    batchID = row.value(at: 0).integer ?? 0
    runID = row.value(at: 1).integer
    epoch = row.value(at: 2)
    batch = row.value(at: 3)
    optimizer = row.value(at: 10).text ?? ""
    range = Self.range(first: row.value(at: 8), count: row.value(at: 9))
    let places = [
      "epoch": epoch, "batch": batch, "call": row.value(at: 4), "step": row.value(at: 5),
    ]
    let wrong = places.sorted { $0.key < $1.key }.first { $0.value.integer.map { $0 < 0 } ?? true }
    let nan = row.value(at: 6)
    if let wrong {
      problem = "\(wrong.key) is \(DisplayText.cell(wrong.value))"
    } else if nan != .integer(0), nan != .integer(1) {
      problem = "loss_is_nan is \(DisplayText.cell(nan))"
    } else if nan == .integer(1), row.value(at: 7) == .integer(1) {
      problem = "loss_is_nan is 1, and there is a loss"
    } else if range == nil {
      let (first, count) = (DisplayText.cell(row.value(at: 8)), DisplayText.cell(row.value(at: 9)))
      problem = "first_gradient_id \(first) and gradient_count \(count) make no range"
    } else {
      problem = nil
    }
  }

  private static func range(first: CellValue, count: CellValue) -> Range<Int64>? {
    guard let first = first.integer, let count = count.integer, count >= 0 else { return nil }
    let (end, overflow) = first.addingReportingOverflow(count)
    return overflow ? nil : first..<end
  }
}
