internal import Gradlog

/// What of the statistics of a gradient is compared.
struct StatisticsRow {
  /// Columns of `gradient_statistics`, those that say most first.
  static let columns = [
    "nan_count", "posinf_count", "neginf_count", "norm", "sum", "sum_abs", "sum_squares", "rms",
    "std", "min", "max", "zero_count",
  ]

  /// Places in ``columns``.
  private enum Column {
    static let counts = 0..<3
    static let norm = 3
    static let sum = 4
    static let sumAbs = 5
    static let sumSquares = 6
    static let rms = 7
    static let std = 8
    static let min = 9
    static let max = 10
    static let zeroCount = 11
  }

  /// The columns in order; NaN, which SQLite does not store, for NULL.
  private var cells = SIMD16<Double>.zero

  /// Reads the columns of the current row from the column `first` on.
  init(_ row: PreparedStatement, from first: Int32) {
    for index in Self.columns.indices {
      cells[index] = row.realOrNaN(at: first + Int32(index))
    }
  }

  /// The place in ``columns`` of the first that differs in gradients of so many elements; nil when none
  /// does.
  ///
  /// Within a tolerance only columns are looked at that tell something of the elements: what differs
  /// by more than elements within the tolerance could make it. Columns that one element may change by
  /// any amount, such as the number of zeros, are left out.
  func firstDifference(
    from other: StatisticsRow, within tolerance: Tolerance?, elementCount: Int
  ) -> Int? {
    Self.columns.indices.first { index in
      let (a, b) = (cells[index], other.cells[index])
      if a == b || a.isNaN && b.isNaN { return false }
      guard let tolerance else { return true }
      let slack = other.slack(of: index, tolerance, Double(elementCount))
      return slack.map { !tolerance.agrees(a, b, within: $0) } ?? false
    }
  }

  /// How far the same statistic of another gradient can be away from this one, when its elements are
  /// within the tolerance of these; nil when that has no bound.
  ///
  /// |Σa − Σb| ≤ Σ|a − b| ≤ n·atol + rtol·Σ|b|; and by the triangle inequality
  /// |‖a‖ − ‖b‖| ≤ ‖a − b‖ ≤ √n·atol + rtol·‖b‖, of which the standard deviation, the norm of the
  /// elements without their mean, is a part.
  private func slack(of index: Int, _ tolerance: Tolerance, _ count: Double) -> Double? {
    let (relative, absolute) = (tolerance.relative, tolerance.absolute)
    return switch index {
    case Column.counts: 0
    case Column.norm: count.squareRoot() * absolute + relative * cells[Column.norm]
    case Column.sum, Column.sumAbs: count * absolute + relative * cells[Column.sumAbs]
    case Column.rms, Column.std: absolute + relative * cells[Column.rms]
    case Column.min, Column.max: absolute + relative * largest
    default: nil
    }
  }

  /// Largest absolute value; NaN when there is no finite element.
  var largest: Double {
    Swift.max(cells[Column.min].magnitude, cells[Column.max].magnitude)
  }

  /// What the statistics prove of the distance of two gradients.
  func drift(to other: StatisticsRow) -> Drift {
    func areFinite(_ row: StatisticsRow) -> Bool {
      Column.counts.allSatisfy { row.cells[$0] == 0 } && row.cells[Column.norm].isFinite
    }
    guard areFinite(self), areFinite(other) else {
      if cells[0] != other.cells[0] { return Drift(largest: .nan, relative: .nan, cosine: nil) }
      let haveEqualCounts = Column.counts.allSatisfy { cells[$0] == other.cells[$0] }
      return haveEqualCounts
        ? .unknown : Drift(largest: .infinity, relative: .infinity, cosine: nil)
    }
    func distance(_ column: Int) -> Double { (cells[column] - other.cells[column]).magnitude }
    let norms = distance(Column.norm)
    let relative = norms == 0 ? 0 : norms / cells[Column.norm]
    let largest = Swift.max(distance(Column.min), distance(Column.max))
    return Drift(largest: largest, relative: relative, cosine: nil)
  }

  /// A column in all digits.
  func spelled(_ index: Int) -> String {
    let cell = cells[index]
    if cell.isNaN { return "NULL" }
    let isCount = Column.counts.contains(index) || index == Column.zeroCount
    return isCount ? Int64(exactly: cell).map(String.init) ?? "\(cell)" : "\(cell)"
  }
}
