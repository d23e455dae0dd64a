extension AbsoluteQuantiles {
  init(
    _ counters: ExponentCounters, _ exponents: ClosedRange<Int>, _ statistics: GradientStatistics,
    _ maxAbs: Double
  ) {
    var cursor = QuantileCursor(
      counters: counters, exponents: exponents, zeroCount: statistics.zeroCount,
      finiteCount: statistics.finiteCount, maxAbs: maxAbs)
    p1 = cursor.advance(to: 1)
    p5 = cursor.advance(to: 5)
    p25 = cursor.advance(to: 25)
    median = cursor.advance(to: 50)
    p75 = cursor.advance(to: 75)
    p95 = cursor.advance(to: 95)
    p99 = cursor.advance(to: 99)
  }
}

/// Walks up a histogram from one quantile to the next larger one.
private struct QuantileCursor {
  private let counters: ExponentCounters
  private let exponents: ClosedRange<Int>
  private let zeroCount: Int
  private let finiteCount: Int
  private let maxAbs: Double
  private var exponent: Int
  /// Elements smaller than the bin of `exponent`.
  private var below: Int

  init(
    counters: ExponentCounters, exponents: ClosedRange<Int>, zeroCount: Int, finiteCount: Int,
    maxAbs: Double
  ) {
    self.counters = counters
    self.zeroCount = zeroCount
    self.finiteCount = finiteCount
    self.maxAbs = maxAbs
    self.exponents = exponents
    exponent = exponents.lowerBound
    below = zeroCount
  }

  /// The quantile of `percent`: exact when it is zero, else a value in the bin of the exact one, as
  /// though the elements of a bin were spread evenly over it.
  mutating func advance(to percent: Int) -> Double {
    let rank = finiteCount / 100 * percent + (finiteCount % 100 * percent + 99) / 100
    guard rank > zeroCount else { return 0 }
    while exponent < exponents.upperBound, rank > below + counters[exponent] {
      below += counters[exponent]
      exponent += 1
    }
    let lower = Double(sign: .plus, exponent: exponent, significand: 1)
    let upper = exponent == exponents.upperBound ? maxAbs : lower * 2
    let share = (Double(rank - below) - 0.5) / Double(counters[exponent])
    return lower + (upper - lower) * share
  }
}
