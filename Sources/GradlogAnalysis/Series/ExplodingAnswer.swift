internal import GRDB
internal import Gradlog

/// Answers `queries/exploding.sql`, which explains the rules.
struct ExplodingAnswer: SeriesAnswer {
  private let threshold: Double
  private let ratio: Double
  private let consecutive: Int
  private let rule: JumpRule

  init(to question: SeriesQuestion) {
    threshold = question.real("threshold", or: 1e10)
    ratio = question.real("ratio", or: 70)
    consecutive = question.integer("consecutive", or: 3)
    rule = JumpRule(
      growth: question.real("growth", or: 10), floor: question.real("floor", or: 1),
      certain: question.real("certain", or: 1000), warmUp: question.integer("warm_up", or: 8),
      consecutive: consecutive)
  }

  func rows(from series: SeriesReader, _ db: Database) throws -> [[CellValue]] {
    let weights = series.index.weights
    let courses = try LossCourses(of: series)
    let jumps = courses.jumps(by: rule)
    let firstKernels = Dictionary(
      weights.filter(\.isKernel).map { ($0.runID, $0.position) }, uniquingKeysWith: min)
    var recordedBatches = [Int](repeating: 0, count: weights.count)
    var tallies = [Tallies](repeating: Tallies(), count: weights.count)
    try series.forEachChunk(with: .norms) { chunk in
      chunk.forEachBatch { batch, position, first in
        guard let course = courses.course(of: batch) else { return }
        let surroundings = Surroundings(
          batch: position, course: course, number: courses.numbers[position],
          last: chunk.lastKernel(from: first), firstKernel: firstKernels[batch.runID],
          jump: jumps[course].flatMap { $0.batch <= position ? $0 : nil })
        // Few gradients are above any bar, and the others need only be counted.
        let bar = min(threshold, rule.floor, surroundings.jump?.bar ?? .infinity)
        for (offset, weight) in chunk.layout.weights.enumerated()
        where !chunk.isAbsent(first + offset) {
          recordedBatches[weight] += 1
          let norm = chunk.norms[first + offset]
          guard norm > bar || !chunk.isFinite, weights[weight].isAskedFor else { continue }
          let nonFinite = chunk.nonFiniteElements(first + offset).count
          judge(norm, nonFinite, of: weights[weight], in: surroundings, &tallies[weight])
        }
      }
    }
    return weights.indices.flatMap { findings(weights[$0], tallies[$0], recordedBatches[$0]) }
      .map { $0.row(series.index) }
  }

  /// The batch that a gradient belongs to.
  private struct Surroundings {
    /// Where it is in the index.
    let batch: Int
    let course: Int
    let number: Int
    let last: LastKernel?
    let firstKernel: Int64?
    /// The jump, when it has happened.
    let jump: Jump?
  }

  private struct Tallies {
    var nonFinite = StreakTally(needed: 1)
    var bySize = StreakTally(needed: 1)
    var byHistory = StreakTally(needed: 1)
    /// For each course: batches in a row are those of one optimizer.
    var byLastLayer: [Int: StreakTally] = [:]
  }

  private func judge(
    _ norm: Double, _ nonFinite: Int64, of weight: SeriesIndex.Weight, in place: Surroundings,
    _ tallies: inout Tallies
  ) {
    let (number, batch) = (place.number, place.batch)
    if nonFinite > 0 {
      tallies.nonFinite.hit(number: number, value: Double(nonFinite), batch: batch)
    }
    if norm > threshold { tallies.bySize.hit(number: number, value: norm, batch: batch) }
    if weight.isKernel, let last = place.last, let firstKernel = place.firstKernel,
      weight.position > firstKernel, weight.position < last.position,
      norm > ratio * last.norm, norm > rule.floor, last.norm > 0
    {
      tallies.byLastLayer[place.course, default: StreakTally(needed: consecutive)]
        .hit(number: number, value: norm / last.norm, batch: batch)
    }
    if let jump = place.jump, norm > jump.bar {
      let value = jump.baseline == 0 ? .nan : norm / jump.baseline
      tallies.byHistory.hit(number: number, value: value, batch: batch)
    }
  }

  private func findings(
    _ weight: SeriesIndex.Weight, _ tallies: Tallies, _ recordedBatches: Int
  ) -> [RuleFinding] {
    let byLastLayer = tallies.byLastLayer.values.compactMap { $0.result() }
    return [
      ("absolute", tallies.bySize.result(), threshold),
      ("history", tallies.byHistory.result(), rule.growth),
      ("last layer", byLastLayer.reduce(nil) { $0?.merged(with: $1) ?? $1 }, ratio),
      ("nonfinite", tallies.nonFinite.result(), 0),
    ].compactMap { rule, hits, threshold in
      hits.map {
        RuleFinding(
          weight: weight, rule: rule, hits: $0, recordedBatches: recordedBatches,
          threshold: threshold)
      }
    }
  }
}
