package import GRDB

/// Feeds the detectors of each run with what a file holds of it, in the order in which it was
/// recorded, as the recorder fed them while the training ran.
///
/// A batch is read from the series where that covers it, from the rows of its gradients otherwise: the same
/// findings, in a tenth of the time. No more than a row of the series is in memory at once.
package struct Replay {
  package private(set) var runs: [ReplayedRun]
  /// Where each run is in ``runs``.
  private let places: [Int64: Int]
  /// For each weight, the place of its run in ``runs`` and its own place in that.
  private let weights: [Int64: (run: Int, weight: Int)]
  /// The gradients of the batch being fed; kept for its memory.
  private var gradients: [ObservedGradient] = []

  /// Replays some runs, up to a batch: that and those after it are left out.
  ///
  /// - Throws: ``GradlogError``, or what SQLite throws, when the file cannot be read.
  package init(
    _ scope: RunScope, before end: RecordedBatch? = nil, _ thresholds: Thresholds = Thresholds(),
    in db: Database
  ) throws {
    runs = try Self.runs(scope, thresholds, db)
    places = Dictionary(
      runs.enumerated().map { ($1.runID, $0) }, uniquingKeysWith: { first, _ in first })
    weights = Dictionary(
      runs.enumerated().flatMap { run, replayed in
        replayed.weights.enumerated().map { ($1.weightID, (run, $0)) }
      }, uniquingKeysWith: { first, _ in first })
    let batches = try StoredBatches(of: scope, before: end, in: db)
    var series = try SeriesCursor(of: scope, in: db)
    let rows = try GradientRows(in: db)
    var freezings = try Freezings(of: scope, in: db)
    while let batch = try batches.next() {
      guard let run = places[batch.runID] else { continue }
      try freezings.forEach(upTo: batch.batchID) { weightID, isFrozen in
        guard let place = weights[weightID] else { return }
        runs[place.run].tell(isFrozen, ofWeight: place.weight)
      }
      gradients.removeAll(keepingCapacity: true)
      if batch.gradientCount > 0, try !read(batch, of: run, from: &series) {
        try read(batch, of: run, from: rows)
      }
      runs[run].observe(batch, optimizer: batches.optimizer, gradients)
    }
  }

  private static func runs(
    _ scope: RunScope, _ thresholds: Thresholds, _ db: Database
  ) throws -> [ReplayedRun] {
    let weights = try weights(scope, db)
    let rows = try PreparedStatement(
      "SELECT run_id, name, rank FROM runs WHERE \(scope.condition) ORDER BY run_id", on: db)
    try scope.bind(to: rows)
    var runs: [ReplayedRun] = []
    while try rows.step() {
      let runID = rows.integer(at: 0)
      runs.append(
        ReplayedRun(
          runID: runID, name: rows.text(at: 1) ?? "", rank: Bounds.bounded(rows.integer(at: 2)),
          weights: weights[runID] ?? [], thresholds: thresholds))
    }
    return runs
  }

  private static func weights(
    _ scope: RunScope, _ db: Database
  ) throws -> [Int64: [ReplayedWeight]] {
    let rows = try PreparedStatement(
      """
      SELECT weight_id, run_id, name, position, shape, dtype,
        \(FileFormat(of: db).selecting(["frozen", "initial_norm"]))
      FROM weights WHERE \(scope.condition) ORDER BY position, weight_id
      """, on: db)
    try scope.bind(to: rows)
    let first = try Freezings.first(scope, in: db)
    var weights: [Int64: [ReplayedWeight]] = [:]
    while try rows.step() {
      let isFrozen = first[rows.integer(at: 0)].map { !$0 } ?? (rows.integer(at: 6) != 0)
      weights[rows.integer(at: 1), default: []].append(ReplayedWeight(rows, isFrozen: isFrozen))
    }
    return weights
  }

  /// Returns whether the series covers the batch.
  private mutating func read(
    _ batch: StoredBatch, of run: Int, from series: inout SeriesCursor
  ) throws -> Bool {
    guard let (row, first) = try series.find(batch) else { return false }
    for (offset, weight) in series.layout(weights).enumerated() {
      guard let weight, weight.run == run else { return false }
      gradients.append(row.gradient(first + offset, of: weight.weight))
    }
    return true
  }

  private mutating func read(
    _ batch: StoredBatch, of run: Int, from rows: GradientRows
  ) throws {
    gradients.removeAll(keepingCapacity: true)
    try rows.forEachGradient(of: batch) { row in
      guard let weight = weights[row.weightID], weight.run == run else { return }
      gradients.append(row.gradient(of: weight.weight))
    }
  }
}
