internal import GRDB
internal import Gradlog

/// Feeds the detectors of each run with what a file holds of it, in the order in which it was
/// recorded, as the recorder fed them while the training ran.
///
/// The series is read where it is complete, the rows of the gradients otherwise: the same findings,
/// in a tenth of the time.
struct Replay {
  private(set) var runs: [ReplayedRun]
  private let index: SeriesIndex
  /// The weights of each run in the order of their positions.
  private let weightsOfRuns: [Int64: [SeriesIndex.Weight]]
  /// Where each run is in ``runs``.
  private let places: [Int64: Int]
  /// For each weight of the index, the place of its run in ``runs`` and its own place in that.
  private let weights: [(run: Int, weight: Int)]
  /// The first batch of the index that was not fed yet.
  private var next = 0
  /// The gradients of the batch being fed; kept for its memory.
  private var gradients: [ObservedGradient] = []

  /// Replays the run called `run`, or all.
  init(run: String?, _ thresholds: Thresholds, in db: Database) throws {
    let question = SeriesQuestion(run.map { ["run": .text($0)] } ?? [:])
    let series = try SeriesReader(question, in: db)
    index = try series?.index ?? SeriesIndex(of: question, in: db)
    weightsOfRuns = Dictionary(grouping: index.weights, by: \.runID)
    runs = try Self.runs(question, weightsOfRuns, thresholds, db)
    places = Dictionary(
      runs.enumerated().map { ($1.runID, $0) }, uniquingKeysWith: { first, _ in first })
    weights = Self.places(of: index.weights, places)
    if let series { try feed(series) } else { try feed(GradientRows(in: db)) }
    skip(to: index.batches.count)
  }

  /// The weights of a run in the order of their positions.
  func weights(of run: ReplayedRun) -> [SeriesIndex.Weight] {
    weightsOfRuns[run.runID] ?? []
  }

  private static func runs(
    _ question: SeriesQuestion, _ weights: [Int64: [SeriesIndex.Weight]], _ thresholds: Thresholds,
    _ db: Database
  ) throws -> [ReplayedRun] {
    let rows = try PreparedStatement(
      "SELECT run_id, name, rank FROM runs WHERE :run IS NULL OR name = :run ORDER BY run_id",
      on: db)
    try question.bindFilter(to: rows)
    var runs: [ReplayedRun] = []
    while try rows.step() {
      let runID = rows.integer(at: 0)
      runs.append(
        ReplayedRun(
          runID: runID, name: rows.value(at: 1).text ?? "", rank: rows.value(at: 2).count,
          weights: weights[runID] ?? [], thresholds: thresholds))
    }
    return runs
  }

  private static func places(
    of weights: [SeriesIndex.Weight], _ runs: [Int64: Int]
  ) -> [(run: Int, weight: Int)] {
    var counts = [Int](repeating: 0, count: runs.count)
    return weights.map { weight in
      guard let run = runs[weight.runID] else { return (-1, 0) }
      defer { counts[run] += 1 }
      return (run, counts[run])
    }
  }

  private mutating func feed(_ series: SeriesReader) throws {
    try series.forEachChunk(
      with: [.norms, .meansOfNonZero, .zeroCounts, .zeroSlices, .cosines]
    ) { chunk in
      chunk.forEachBatch { batch, position, first in
        begin(position)
        guard let run = places[batch.runID] else { return }
        for (offset, weight) in chunk.layout.weights.enumerated() where weights[weight].run == run {
          gradients.append(chunk.gradient(first + offset, of: weights[weight].weight))
        }
        runs[run].observe(batch, gradients)
      }
    }
  }

  private mutating func feed(_ rows: GradientRows) throws {
    for position in index.batches.indices where index.batches[position].gradientCount > 0 {
      let batch = index.batches[position]
      begin(position)
      guard let run = places[batch.runID] else { continue }
      try rows.forEachGradient(of: batch) { row in
        guard let weight = index.index(ofWeight: row.weightID), weights[weight].run == run else {
          return
        }
        gradients.append(row.gradient(of: weights[weight].weight))
      }
      runs[run].observe(batch, gradients)
    }
  }

  private mutating func begin(_ position: Int) {
    skip(to: position)
    next = position + 1
    gradients.removeAll(keepingCapacity: true)
  }

  /// Feeds the batches up to a position, which have no gradients.
  private mutating func skip(to position: Int) {
    while next < position {
      let batch = index.batches[next]
      if let run = places[batch.runID] { runs[run].observe(batch, []) }
      next += 1
    }
  }
}

extension SeriesChunk {
  /// A gradient as the detectors see it.
  fileprivate func gradient(_ entry: Int, of weight: Int) -> ObservedGradient {
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
