/// What a rule says of one weight: the batches that broke it, of which only streaks count.
struct StreakTally {
  /// Batches in a row that it takes to count.
  private let needed: Int
  /// Whether a smaller value is worse.
  private let smallerIsWorse: Bool
  private var streak = Hits()
  private var lastNumber = 0
  private var total = Hits()

  /// Batches that broke the rule.
  struct Hits {
    var count = 0
    /// NaN when no value is known.
    var worst = Double.nan
    /// Where the first and the last batch are in the index.
    var first = 0
    var last = 0

    /// These and others, of which a larger value is worse.
    func merged(with other: Hits) -> Hits {
      Hits(
        count: count + other.count, worst: other.worst > worst ? other.worst : worst,
        first: min(first, other.first), last: max(last, other.last))
    }
  }

  init(needed: Int, smallerIsWorse: Bool = false) {
    self.needed = needed
    self.smallerIsWorse = smallerIsWorse
  }

  /// A batch breaks the rule; `number` counts up by one from batch to batch.
  mutating func hit(number: Int, value: Double, batch: Int) {
    if streak.count == 0 || number != lastNumber + 1 {
      close()
      streak = Hits(count: 0, worst: .nan, first: batch, last: batch)
    }
    lastNumber = number
    streak.count += 1
    streak.last = batch
    streak.worst = worse(streak.worst, value)
  }

  /// What counts; nil when nothing does.
  func result() -> Hits? {
    var copy = self
    copy.close()
    return copy.total.count > 0 ? copy.total : nil
  }

  private mutating func close() {
    guard streak.count > 0, streak.count >= needed else { return }
    if total.count == 0 { total.first = streak.first }
    total.count += streak.count
    total.last = streak.last
    total.worst = worse(total.worst, streak.worst)
  }

  private func worse(_ one: Double, _ other: Double) -> Double {
    if one.isNaN { return other }
    return (smallerIsWorse ? other < one : other > one) ? other : one
  }
}

/// One rule's hits on one weight as a row of an answer.
struct RuleFinding {
  let weight: SeriesIndex.Weight
  let rule: String
  let hits: StreakTally.Hits
  let recordedBatches: Int
  let threshold: Double

  /// The columns of the questions `vanishing` and `exploding`.
  func row(_ index: SeriesIndex) -> [CellValue] {
    weight.cells
      + [.text(rule), .integer(Int64(hits.count)), .integer(Int64(recordedBatches))]
      + index.batches[hits.first].cells + index.batches[hits.last].cells
      + [hits.worst.isNaN ? .null : .real(hits.worst), .real(threshold)]
  }
}
