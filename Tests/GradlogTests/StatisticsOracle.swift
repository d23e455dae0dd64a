import Foundation

/// Every statistic again, the plain way: two passes over Doubles, sorting for quantiles.
struct StatisticsOracle {
  let finite: [Double]
  /// |g| of the finite elements, ascending.
  let magnitudes: [Double]
  let zeroCount: Int
  let nanCount: Int
  let posinfCount: Int
  let neginfCount: Int
  let sum: Double
  let sumAbs: Double
  let norm: Double?
  let rms: Double?
  let std: Double?

  init(_ values: [Double]) {
    let finite = values.filter(\.isFinite)
    self.finite = finite
    magnitudes = finite.map(\.magnitude).sorted()
    zeroCount = finite.count { $0 == 0 }
    nanCount = values.count { $0.isNaN }
    posinfCount = values.count { $0 == .infinity }
    neginfCount = values.count { $0 == -.infinity }
    sum = Self.sum(finite)
    sumAbs = Self.sum(finite.map(\.magnitude))
    guard !finite.isEmpty else {
      (norm, rms, std) = (nil, nil, nil)
      return
    }
    // Dividing by the largest, or by a subnormal's unit, keeps the squares in range.
    let largest = finite.map(\.magnitude).max() ?? 0
    let scale = largest.isNormal ? largest : .leastNonzeroMagnitude
    let scaled = finite.map { $0 / scale }
    let squares = Self.sum(scaled.map { $0 * $0 })
    let mean = Self.sum(scaled) / Double(finite.count)
    let deviations = Self.sum(scaled.map { ($0 - mean) * ($0 - mean) })
    norm = squares.squareRoot() * scale
    rms = (squares / Double(finite.count)).squareRoot() * scale
    std = (deviations / Double(finite.count)).squareRoot() * scale
  }

  /// Neumaier's compensated sum (Z. Angew. Math. Mech. 54, 1974).
  private static func sum(_ values: [Double]) -> Double {
    var sum = 0.0
    var compensation = 0.0
    for value in values {
      let next = sum + value
      if next.isFinite {
        compensation += sum.magnitude >= value.magnitude ? sum - next + value : value - next + sum
      }
      sum = next
    }
    return sum + compensation
  }

  /// The ⌈percent·n/100⌉-th smallest magnitude.
  func quantile(_ percent: Int) -> Double {
    magnitudes[(percent * magnitudes.count + 99) / 100 - 1]
  }

  func nonZero(below bound: Double) -> Int {
    finite.count { $0 != 0 && $0.magnitude < bound }
  }

  func count(exponent: Int) -> Int {
    finite.count { $0 != 0 && Int($0.exponent) == exponent }
  }
}
