internal import GRDB
internal import Gradlog

/// Answers `queries/vanishing.sql`, which explains the rules.
struct VanishingAnswer: SeriesAnswer {
  private let threshold: Double
  private let ratio: Double
  private let small: Double
  private let drop: Double
  private let alive: Double
  private let consecutive: Int

  init(to question: SeriesQuestion) {
    threshold = question.real("threshold", or: 1e-7)
    ratio = question.real("ratio", or: 1e-3)
    small = question.real("small", or: 1e-4)
    drop = question.real("drop", or: 1e-3)
    alive = question.real("alive", or: 0.1)
    consecutive = question.integer("consecutive", or: 3)
  }

  func rows(from series: SeriesReader, _ db: Database) throws -> [[CellValue]] {
    let weights = series.index.weights
    let fresh = History(consecutive: consecutive)
    var histories = [History](repeating: fresh, count: weights.count)
    try series.forEachChunk(with: [.norms, .meansOfNonZero]) { chunk in
      chunk.forEachBatch { _, batch, first in
        let last = chunk.lastKernel(from: first)
        for (offset, weight) in chunk.layout.weights.enumerated() {
          let norm = chunk.norms[first + offset]
          guard !norm.isNaN, weights[weight].isAskedFor,
            chunk.isFinite || chunk.nonFiniteElements(first + offset).count == 0
          else { continue }
          judge(
            Gradient(norm: norm, mean: chunk.meansOfNonZero[first + offset], batch: batch),
            of: weights[weight], beside: last, &histories[weight])
        }
      }
    }
    return zip(weights, histories).flatMap { findings($0, $1) }.map { $0.row(series.index) }
  }

  private struct Gradient {
    let norm: Double
    let mean: Double
    /// Where its batch is in the index.
    let batch: Int
  }

  private func judge(
    _ gradient: Gradient, of weight: SeriesIndex.Weight, beside last: LastKernel?,
    _ history: inout History
  ) {
    let number = history.count
    let lastNorm = last?.norm ?? .nan
    if gradient.mean < threshold, history.isAlive(lastNorm, alive),
      last.map({ weight.position <= $0.position }) ?? true
    {
      history.bySize.hit(number: number, value: gradient.mean, batch: gradient.batch)
    }
    if weight.isKernel, gradient.norm < ratio * lastNorm,
      gradient.norm < small * max(1, lastNorm)
    {
      history.byLastLayer.hit(
        number: number, value: gradient.norm / lastNorm, batch: gradient.batch)
    }
    let usual = history.usualNorm
    if gradient.norm > 0, gradient.norm < drop * usual,
      lastNorm >= alive * history.usualLastNorm,
      last.map({ weight.position < $0.position }) ?? false
    {
      history.byHistory.hit(number: number, value: gradient.norm / usual, batch: gradient.batch)
    }
    history.add(gradient.norm, beside: lastNorm)
  }

  private func findings(_ weight: SeriesIndex.Weight, _ history: History) -> [RuleFinding] {
    [
      ("absolute", history.bySize, threshold), ("history", history.byHistory, drop),
      ("last layer", history.byLastLayer, ratio),
    ].compactMap { rule, tally, threshold in
      tally.result().map {
        RuleFinding(
          weight: weight, rule: rule, hits: $0, recordedBatches: history.count,
          threshold: threshold)
      }
    }
  }
}

/// What was seen of one weight before the batch that is looked at.
private struct History {
  /// Batches with a finite gradient.
  private(set) var count = 0
  private var sum = 0.0
  private var lastNorms = (count: 0, sum: 0.0, largest: -Double.infinity)

  var bySize: StreakTally
  var byLastLayer: StreakTally
  var byHistory: StreakTally

  init(consecutive: Int) {
    bySize = StreakTally(needed: consecutive, smallerIsWorse: true)
    (byLastLayer, byHistory) = (bySize, bySize)
  }

  /// The average norm; NaN when there is none.
  var usualNorm: Double { count > 0 ? sum / Double(count) : .nan }

  /// The average norm of the last kernel; NaN when there is none.
  var usualLastNorm: Double {
    lastNorms.count > 0 ? lastNorms.sum / Double(lastNorms.count) : .nan
  }

  /// Whether the last kernel has `share` of the largest norm that it had; so when it has none.
  func isAlive(_ lastNorm: Double, _ share: Double) -> Bool {
    lastNorm.isNaN || lastNorm >= share * (lastNorms.count > 0 ? lastNorms.largest : lastNorm)
  }

  mutating func add(_ norm: Double, beside lastNorm: Double) {
    count += 1
    sum += norm
    guard !lastNorm.isNaN else { return }
    lastNorms = (
      lastNorms.count + 1, lastNorms.sum + lastNorm, max(lastNorms.largest, lastNorm)
    )
  }
}
