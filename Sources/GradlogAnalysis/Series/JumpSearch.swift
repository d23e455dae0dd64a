internal import Gradlog

/// When the gradients of a run jumped to another size and stayed there.
struct Jump {
  /// Where the batch of the jump is in the index.
  let batch: Int
  /// The largest norm of any weight in the first half of the batches before.
  let baseline: Double
  /// The norm from which on a gradient has jumped too.
  let bar: Double
}

/// What counts as a jump: the rule "history" of `queries/exploding.sql`, which explains it.
struct JumpRule {
  let growth: Double
  let floor: Double
  let certain: Double
  let warmUp: Int
  let consecutive: Int
}

/// How the largest norm and the loss went on from batch to batch, for each optimizer of each run.
struct LossCourses {
  /// The place of each batch of the index among those of its run and optimizer.
  private(set) var numbers: [Int]
  private var courses: [Key: Int] = [:]
  /// For each course its batches, in order: where they are in the index, and the size of their gradients.
  private var levels: [[Level]] = []
  private let index: SeriesIndex

  private struct Key: Hashable {
    let runID: Int64
    let optimizer: Int
  }

  private struct Level {
    let batch: Int
    /// The largest norm, infinity when a gradient is not finite; NaN when there is no norm.
    let size: Double
  }

  init(of series: SeriesReader) throws {
    index = series.index
    numbers = [Int](repeating: 0, count: index.batches.count)
    var found: [(batch: Int, size: Double)] = []
    try series.forEachChunk(with: .norms) { chunk in
      let count = chunk.layout.weights.count
      chunk.forEachBatch { _, position, first in
        if let size = Self.size(of: chunk, first..<first + count) { found.append((position, size)) }
      }
    }
    for (batch, size) in found {
      let key = Key(runID: index.batches[batch].runID, optimizer: index.batches[batch].optimizer)
      if courses[key] == nil {
        courses[key] = levels.count
        levels.append([])
      }
      guard let course = courses[key] else { continue }
      numbers[batch] = levels[course].count
      levels[course].append(Level(batch: batch, size: size))
    }
  }

  /// The size of a batch's gradients as one number; nil when all are absent.
  private static func size(of chunk: SeriesChunk, _ entries: Range<Int>) -> Double? {
    var largest = Double.nan
    var isAbsent = true
    for entry in entries where !chunk.isAbsent(entry) {
      isAbsent = false
      if !chunk.isFinite, chunk.nonFiniteElements(entry).count > 0 { return .infinity }
      let norm = chunk.norms[entry]
      if !(norm <= largest) && !norm.isNaN { largest = norm }
    }
    return isAbsent ? nil : largest
  }

  /// Which course a batch belongs to; nil when all its gradients are absent.
  func course(of batch: SeriesIndex.Batch) -> Int? {
    courses[Key(runID: batch.runID, optimizer: batch.optimizer)]
  }

  /// The first jump of each course; nil where there is none.
  func jumps(by rule: JumpRule) -> [Jump?] {
    levels.map { firstJump(in: $0, by: rule) }
  }

  private func firstJump(in levels: [Level], by rule: JumpRule) -> Jump? {
    let sizes = levels.map(\.size)
    let losses = levels.map { index.batches[$0.batch].height }
    let topSizes = Self.runningMaximum(sizes)
    let peaksAhead = Array(Self.runningMaximum(sizes.reversed()).reversed())
    let topLosses = Self.runningMaximum(losses)
    for number in levels.indices.dropFirst() {
      let before = (number - 1) / 2
      let baseline = topSizes[before]
      guard !baseline.isNaN else { continue }
      let bar = max(rule.growth * baseline, rule.floor)
      let lossAhead = Self.maximum(losses[number..<min(number + 3, losses.count)])
      let lossRises = lossAhead > topLosses[before] || lossAhead.isNaN || topLosses[before].isNaN
      guard sizes[number] > bar, lossRises,
        number >= rule.warmUp || peaksAhead[number] >= rule.certain * baseline,
        Self.lasts(sizes[number...].prefix(max(rule.consecutive, 1)), above: bar, rule)
      else { continue }
      return Jump(batch: levels[number].batch, baseline: baseline, bar: bar)
    }
    return nil
  }

  private static func lasts(_ sizes: ArraySlice<Double>, above bar: Double, _ rule: JumpRule)
    -> Bool
  {
    sizes.allSatisfy { $0 > bar || $0.isNaN }
      && (sizes.count == rule.consecutive || sizes.contains(.infinity))
  }

  /// The largest number so far at each place; NaN stands for no number.
  private static func runningMaximum(_ numbers: [Double]) -> [Double] {
    var largest = Double.nan
    return numbers.map { number in
      if !(number <= largest) && !number.isNaN { largest = number }
      return largest
    }
  }

  private static func maximum(_ numbers: ArraySlice<Double>) -> Double {
    numbers.reduce(.nan) { $1 > $0 || $0.isNaN ? ($1.isNaN ? $0 : $1) : $0 }
  }
}

extension SeriesIndex.Batch {
  /// The loss as a number to compare: infinity for NaN, NaN when not recorded.
  fileprivate var height: Double { lossIsNaN ? .infinity : loss ?? .nan }
}
