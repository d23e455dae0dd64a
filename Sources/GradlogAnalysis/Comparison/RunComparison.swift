internal import GRDB
internal import Gradlog

extension Recording {
  /// Compares the gradients of two runs, batch by batch and weight by weight.
  ///
  /// Memory does not depend on the number of gradients: one tensor of each run is held at a time, and the
  /// keys of the batches, some 100 bytes each.
  ///
  /// - Parameters:
  ///   - run: the first run; its ranks are compared with those of the same index.
  ///   - other: the recording of the second run, opened for itself if it is the same file.
  ///   - otherRun: the second run.
  ///   - options: what is compared, and how.
  ///   - progress: told the share that is done, 0 to 1, many times a second.
  ///   - report: receives a row for each batch that is to be shown, rank by rank in the order of the first
  ///     run's steps.
  /// - Returns: what was found.
  /// - Throws: ``GradlogError`` when a run does not exist, when the runs have no rank, batch or weight in
  ///   common, and when a file is damaged; what `report` throws.
  public func compare(
    _ run: String, with other: Recording, _ otherRun: String,
    options: ComparisonOptions = ComparisonOptions(), progress: (Double) -> Void = { _ in },
    report: (DriftRow) throws -> Void
  ) throws -> ComparisonSummary {
    for (recording, name) in [(self, run), (other, otherRun)] {
      var filter = RowFilter()
      filter.run = name
      filter.weight = options.weight
      try recording.check(filter)
    }
    return try read { db in
      try other.read { otherDB in
        let comparison = try RunComparison(
          ComparedRun(self, run, in: db), ComparedRun(other, otherRun, in: otherDB), options)
        return try comparison.run(progress, report)
      }
    }
  }
}

/// A run of one name with all its ranks.
private struct ComparedRun {
  let recording: Recording
  let db: Database
  let name: String
  private(set) var stage = ""
  /// Keys of the runs by rank.
  private(set) var ranks: [Int: Int64] = [:]

  init(_ recording: Recording, _ name: String, in db: Database) throws {
    self.recording = recording
    self.db = db
    self.name = name
    let rows = try PreparedStatement(
      "SELECT run_id, rank, stage FROM runs WHERE name = :name ORDER BY rank DESC", on: db)
    try rows.bind(.text(name), to: "name")
    while try rows.step() {
      ranks[Int(rows.integer(at: 1))] = rows.integer(at: 0)
      stage = rows.value(at: 2).text ?? ""
    }
  }

  /// How messages call it.
  var title: String { "run '\(name)' in '\(recording.path)'" }
}

/// Two runs: matches their ranks, batches and weights, and compares rank by rank.
private struct RunComparison {
  private let a: ComparedRun
  private let b: ComparedRun
  private let options: ComparisonOptions
  private var ranks: [(rank: Int, batches: BatchMatching, weights: WeightMatching)] = []
  private var outline = ComparisonSummary()

  init(_ a: ComparedRun, _ b: ComparedRun, _ options: ComparisonOptions) throws {
    self.a = a
    self.b = b
    self.options = options
    outline.stages = (a.stage, b.stage)
    outline.tolerance = options.tolerance
    outline.ranksOnlyInFirst = a.ranks.keys.filter { b.ranks[$0] == nil }.sorted()
    outline.ranksOnlyInSecond = b.ranks.keys.filter { a.ranks[$0] == nil }.sorted()
    let common = a.ranks.keys.filter { b.ranks[$0] != nil }.sorted()
    guard !common.isEmpty else {
      throw nothingInCommon("rank", "a run is compared with one of the same ranks")
    }
    let batches = try matchBatches(common)
    var mismatches: Set<WeightMismatch> = []
    for (rank, batches) in zip(common, batches) {
      let weights = try WeightMatching(weights(of: a, rank), weights(of: b, rank))
      // Ranks mostly have the same weights.
      for mismatch in weights.mismatches where mismatches.insert(mismatch).inserted {
        outline.weights.append(mismatch)
      }
      ranks.append((rank, batches, weights))
    }
    guard ranks.contains(where: { !$0.weights.pairs.isEmpty }) else {
      throw nothingInCommon(
        "weight of the same name and shape", "compare two trainings of one model")
    }
  }

  private func weights(of run: ComparedRun, _ rank: Int) throws -> [ComparedWeight] {
    try ComparedWeight.all(ofRun: run.ranks[rank] ?? 0, matching: options.weight, in: run.db)
  }

  private func nothingInCommon(_ what: String, _ remedy: String) -> GradlogError {
    GradlogError(
      .notFound, "\(a.title) and \(b.title) have no \(what) in common", remedy: remedy)
  }

  /// The batches of these ranks by one alignment for all of them.
  private mutating func matchBatches(_ common: [Int]) throws -> [BatchMatching] {
    var optimizers = OptimizerNumbers()
    var keys: [(a: [BatchKey], b: [BatchKey])] = []
    for rank in common {
      keys.append(
        (
          try BatchKey.all(ofRun: a.ranks[rank] ?? 0, in: a.db, &optimizers),
          try BatchKey.all(ofRun: b.ranks[rank] ?? 0, in: b.db, &optimizers)
        ))
    }
    func count(_ alignment: BatchAlignment) -> Int {
      keys.reduce(0) { $0 + BatchMatching.count($1.a, $1.b, by: alignment) }
    }
    if let alignment = options.alignment {
      outline.alignment = alignment
    } else {
      let byEpoch = count(.epoch)
      let most = keys.reduce(0) { $0 + min($1.a.count, $1.b.count) }
      let byStep = byEpoch == most ? most : count(.step)
      outline.alignment = byStep > byEpoch ? .step : .epoch
      outline.batchesOtherwise = byStep > byEpoch ? byEpoch : nil
    }
    let matchings = keys.map { BatchMatching($0.a, $0.b, by: outline.alignment) }
    guard matchings.contains(where: { !$0.pairs.isEmpty }) else {
      throw nothingInCommon(
        "batch",
        options.alignment == nil
          ? "record both before they are compared"
          : "leave out --align, or choose the other one")
    }
    return matchings
  }

  func run(
    _ progress: (Double) -> Void, _ report: (DriftRow) throws -> Void
  ) throws -> ComparisonSummary {
    var summary = outline
    let gradients = try GradientComparison(
      (a.recording, a.db), (b.recording, b.db), within: options.tolerance)
    let total = ranks.reduce(0) { $0 + $1.batches.pairs.count }
    var selection = DriftSelection(showsAll: options.showsAll)
    for (rank, batches, weights) in ranks {
      let pass = try RankComparison(
        weights: weights.pairs, readers: readers(rank, weights.pairs), gradients)
      for (first, second) in batches.pairs {
        guard let row = try pass.compare(first, second, &summary) else { continue }
        try selection.take(row, report)
        progress(Double(summary.batches) / Double(total))
      }
      try selection.finish(report)
      try summary.onlyInFirst.append(contentsOf: unmatched(batches.onlyInFirst, pass.readers.a))
      try summary.onlyInSecond.append(contentsOf: unmatched(batches.onlyInSecond, pass.readers.b))
    }
    return summary
  }

  private func readers(
    _ rank: Int, _ weights: [(a: ComparedWeight, b: ComparedWeight)]
  ) throws -> (a: BatchReader, b: BatchReader) {
    func slots(_ weights: [ComparedWeight]) -> [Int64: Int] {
      Dictionary(
        weights.enumerated().map { ($1.weightID, $0) }, uniquingKeysWith: { first, _ in first })
    }
    return (
      try BatchReader(rank: rank, slots: slots(weights.map(\.a)), in: a.db),
      try BatchReader(rank: rank, slots: slots(weights.map(\.b)), in: b.db)
    )
  }

  /// How many batches these are, and which; none when there are none.
  private func unmatched(_ batchIDs: [Int64], _ reader: BatchReader) throws -> [UnmatchedBatches] {
    guard let first = batchIDs.first, let last = batchIDs.last,
      let firstBatch = try reader.batch(first), let lastBatch = try reader.batch(last)
    else { return [] }
    return [
      UnmatchedBatches(count: batchIDs.count, first: firstBatch.place, last: lastBatch.place)
    ]
  }
}
