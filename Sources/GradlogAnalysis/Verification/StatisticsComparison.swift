internal import Gradlog

/// Holds the statistics of a row against those that its values give.
enum StatisticsComparison {
  /// How far a stored number may be from the recomputed one: sums depend on the order of addition,
  /// which may differ between processors and versions.
  private enum Tolerance {
    case none
    /// A share of the number itself.
    case own
    /// A share of Σ|g|, against which Σg may cancel.
    case sumAbs
    /// A share of the RMS, against which the standard deviation may cancel.
    case rms
  }

  private static let share = 1e-9

  /// Columns of `gradient_statistics` from `zero_count` on, without `exponents_blob`.
  static let columns = tolerances.map(\.name)

  private static let tolerances: [(name: String, Tolerance)] = [
    ("zero_count", .none), ("nan_count", .none), ("posinf_count", .none), ("neginf_count", .none),
    ("sum", .sumAbs), ("sum_abs", .own), ("sum_squares", .own), ("norm", .own), ("rms", .own),
    ("std", .rms), ("min", .none), ("max", .none), ("abs_p1", .own), ("abs_p5", .own),
    ("abs_p25", .own), ("abs_median", .own), ("abs_p75", .own), ("abs_p95", .own),
    ("abs_p99", .own), ("float16_underflow_count", .none), ("bfloat16_underflow_count", .none),
    ("float8_e4m3_underflow_count", .none), ("float8_e5m2_underflow_count", .none),
  ]

  /// Compares column by column.
  ///
  /// - Parameters:
  ///   - stored: the cells of ``columns``.
  ///   - blob: the stored `exponents_blob`, which decodes.
  ///   - actual: what the values give.
  /// - Returns: what differs, in words; nil when nothing does.
  static func problem(
    stored: ArraySlice<CellValue>, blob: [UInt8],
    actual: (statistics: GradientStatistics, exponentsBlob: [UInt8])
  ) -> String? {
    let statistics = actual.statistics
    var differences: [String] = []
    for ((name, tolerance), (stored, actual)) in zip(tolerances, zip(stored, cells(of: statistics)))
    where !agree(stored, actual, within: slack(tolerance, actual, statistics)) {
      differences.append(
        "\(name) is \(spelled(stored)), the values give \(spelled(actual))")
    }
    if blob != actual.exponentsBlob,
      (try? ExponentHistogram(blob: blob)) != (try? ExponentHistogram(blob: actual.exponentsBlob))
    {
      differences.append("exponents_blob is not the histogram of the values")
    }
    guard !differences.isEmpty else { return nil }
    let rest = differences.count - 2
    return differences.prefix(2).joined(separator: "; ")
      + (rest > 0 ? "; and \(rest) more columns differ" : "")
  }

  private static func agree(_ stored: CellValue, _ actual: CellValue, within slack: Double) -> Bool
  {
    if stored == actual { return true }
    guard case .real(let stored) = stored, case .real(let actual) = actual else { return false }
    return abs(stored - actual) <= slack
  }

  private static func slack(
    _ tolerance: Tolerance, _ actual: CellValue, _ statistics: GradientStatistics
  ) -> Double {
    let size: Double
    switch tolerance {
    case .none: return 0
    case .own: size = actual.real?.magnitude ?? 0
    case .sumAbs: size = statistics.sumAbs
    case .rms: size = statistics.rms ?? 0
    }
    // Below the smallest normal number digits are lost; an overflow must be told as such.
    return size.isFinite ? max(size * share, .leastNormalMagnitude) : 0
  }

  /// What the recorder would have written.
  private static func cells(of statistics: GradientStatistics) -> [CellValue] {
    let quantiles = statistics.quantiles
    let reals: [Double?] = [
      statistics.sum, statistics.sumAbs, statistics.sumSquares, statistics.norm, statistics.rms,
      statistics.std, statistics.min, statistics.max, quantiles?.p1, quantiles?.p5,
      quantiles?.p25, quantiles?.median, quantiles?.p75, quantiles?.p95, quantiles?.p99,
    ]
    let underflow = statistics.underflow
    return [
      statistics.zeroCount, statistics.nanCount, statistics.posinfCount, statistics.neginfCount,
    ].map(integer) + reals.map(real)
      + [underflow.float16, underflow.bfloat16, underflow.float8E4M3, underflow.float8E5M2]
      .map(integer)
  }

  private static func integer(_ number: Int) -> CellValue { .integer(Int64(number)) }

  /// SQLite turns NaN, a sum of +∞ and −∞, into NULL.
  private static func real(_ number: Double?) -> CellValue {
    number.flatMap { $0.isNaN ? nil : .real($0) } ?? .null
  }

  /// With all digits: two numbers that differ must not look alike.
  private static func spelled(_ value: CellValue) -> String {
    if case .real(let number) = value { "\(number)" } else { DisplayText.cell(value) }
  }
}
