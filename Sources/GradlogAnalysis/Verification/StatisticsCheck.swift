internal import Gradlog

/// Whether the statistics of one gradient agree with each other, whatever the values are.
struct StatisticsCheck {
  /// The cells of ``StatisticsComparison/columns``.
  private let cells: [CellValue]
  private let blob: CellValue
  private let elementCount: Int

  /// No histogram is longer: a number for each exponent of a float64 and one more, of at most ten
  /// bytes.
  static let longestBlob = (1 + 1074 + 1024) * 10

  /// - Parameters:
  ///   - cells: the columns of ``StatisticsComparison/columns``.
  ///   - blob: `exponents_blob`, or a text when it is longer than ``longestBlob``.
  ///   - elementCount: elements of the weight.
  init(_ cells: ArraySlice<CellValue>, blob: CellValue, elementCount: Int) {
    self.cells = Array(cells)
    self.blob = blob
    self.elementCount = elementCount
  }

  /// What is wrong with a gradient that was there; nil when nothing is.
  func problem() -> String? {
    countProblem() ?? nullProblem() ?? histogramProblem() ?? orderProblem()
  }

  /// Columns of `gradient_statistics` that ``ZeroSliceCheck`` and ``DirectionCheck`` look at.
  static let directionColumns = ["zero_rows", "zero_columns", "cosine"]

  /// What is wrong with a row that says that there was no gradient; nil when nothing is.
  ///
  /// `cells` are those of ``directionColumns``, then of ``StatisticsComparison/columns``.
  static func problem(ofAbsent cells: ArraySlice<CellValue>, blob: CellValue) -> String? {
    let names = directionColumns + StatisticsComparison.columns + ["exponents_blob"]
    return zip(names, Array(cells) + [blob]).first { $0.1 != .null }.map { name, value in
      "it is absent, and \(name) is \(DisplayText.cell(value))"
    }
  }

  private func integer(_ name: String) -> Int? {
    cell(name).integer.flatMap { $0 >= 0 && $0 <= Int64(elementCount) ? Int($0) : nil }
  }

  private func real(_ name: String) -> Double? {
    if case .real(let number) = cell(name) { number } else { nil }
  }

  private func cell(_ name: String) -> CellValue {
    StatisticsComparison.columns.firstIndex(of: name).map { cells[$0] } ?? .null
  }

  private func spelled(_ name: String) -> String { "\(name) is \(DisplayText.cell(cell(name)))" }

  private static let counts = ["zero_count", "nan_count", "posinf_count", "neginf_count"]

  private static let underflows = [
    "float16_underflow_count": -25, "bfloat16_underflow_count": -134,
    "float8_e4m3_underflow_count": -10, "float8_e5m2_underflow_count": -17,
  ]

  private static let quantiles = [
    "abs_p1", "abs_p5", "abs_p25", "abs_median", "abs_p75", "abs_p95", "abs_p99",
  ]

  private var finiteCount: Int {
    elementCount - Self.counts.dropFirst().reduce(0) { $0 + (integer($1) ?? 0) }
  }

  private func countProblem() -> String? {
    for name in Self.counts + Self.underflows.keys.sorted() where integer(name) == nil {
      return "\(spelled(name)), of \(elementCount) elements"
    }
    guard (integer("zero_count") ?? 0) <= finiteCount else {
      return "more zero, NaN and infinite elements are counted than the \(elementCount) there are"
    }
    return nil
  }

  private func nullProblem() -> String? {
    let always = ["sum_abs", "sum_squares"]
    for name in always where real(name) == nil { return spelled(name) }
    // The sum of a float64 gradient that overflows both ways is NaN, which SQLite keeps as NULL.
    if real("sum") == nil, real("sum_abs") != .infinity { return spelled("sum") }
    for name in ["norm", "rms", "std", "min", "max"] + Self.quantiles
    where (real(name) == nil) != (finiteCount == 0) {
      return "\(spelled(name)), with \(finiteCount) finite elements"
    }
    return nil
  }

  private func histogramProblem() -> String? {
    guard case .blob(let bytes) = blob,
      let histogram = try? ExponentHistogram(blob: bytes),
      histogram.counts.first != 0, histogram.counts.last != 0
    else { return "exponents_blob is not an exponent histogram" }
    // Each count fits, as 63 bits do; their sum need not.
    let total = histogram.counts.reduce(Int?.some(0)) { total, count in
      total.flatMap { total in
        let (sum, overflow) = total.addingReportingOverflow(count)
        return overflow ? nil : sum
      }
    }
    let expected = finiteCount - (integer("zero_count") ?? 0)
    guard let total, total == expected else {
      return "exponents_blob counts \(total.map(String.init) ?? "too many") elements, "
        + "of \(expected) that are finite and not zero"
    }
    guard let min = real("min"), let max = real("max") else { return nil }
    let maxAbs = Swift.max(max, -min)
    let highest = histogram.lowestExponent + histogram.counts.count - 1
    let agrees =
      total == 0 ? maxAbs == 0 : maxAbs.isFinite && maxAbs > 0 && Int(maxAbs.exponent) == highest
    guard agrees else {
      return "min \(min) and max \(max) do not end in the highest bin of exponents_blob"
    }
    return underflowProblem(histogram)
  }

  private func underflowProblem(_ histogram: ExponentHistogram) -> String? {
    for (name, bound) in Self.underflows.sorted(by: { $0.key < $1.key }) {
      let bins = Swift.max(0, bound - histogram.lowestExponent)
      let below = histogram.counts.prefix(bins).reduce(0, +)
      if integer(name) != below { return "\(spelled(name)), exponents_blob gives \(below)" }
    }
    return nil
  }

  private func orderProblem() -> String? {
    guard let min = real("min"), let max = real("max"), let sumAbs = real("sum_abs") else {
      return nil
    }
    if min > max { return "min \(min) is above max \(max)" }
    if let sum = real("sum"), sum.magnitude > sumAbs * (1 + 1e-9) {
      return "\(spelled("sum")), beyond \(spelled("sum_abs"))"
    }
    let sizes = Self.quantiles.compactMap(real) + [Swift.max(max, -min)]
    return zip(sizes, sizes.dropFirst()).allSatisfy(<=)
      ? nil : "the quantiles of |g| do not ascend to its maximum"
  }
}
