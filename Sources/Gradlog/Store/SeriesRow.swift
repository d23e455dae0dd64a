/// One row of `gradient_series`, valid until the next one is read. Its columns have an entry for each
/// gradient, batch by batch.
package struct SeriesRow {
  /// The columns that cost time to read.
  package struct Columns: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
      self.rawValue = rawValue
    }

    package static let norms = Columns(rawValue: 1)
    package static let meansOfNonZero = Columns(rawValue: 2)
    package static let zeroCounts = Columns(rawValue: 4)
    package static let zeroSlices = Columns(rawValue: 8)
    package static let cosines = Columns(rawValue: 16)
    /// What the detectors see.
    package static let all: Columns = [.norms, .meansOfNonZero, .zeroCounts, .zeroSlices, .cosines]
  }

  package let runID: Int64
  /// The key of the first batch; those of the others follow.
  package let firstBatchID: Int64
  package let batchCount: Int64
  /// The key of the first entry; those of the others follow.
  package let firstGradientID: Int64
  /// The weight of each gradient of a batch.
  package let weightIDs: Entries<Int64>
  /// 1 for an absent gradient; no entries when there is none.
  @usableFromInline package let absent: Entries<UInt8>
  /// NaN where a gradient has none.
  package let norms: Entries<Double>
  /// Means of |g| over the non-zero elements; NaN where there is none.
  package let meansOfNonZero: Entries<Double>
  @usableFromInline package let nonFinite: Entries<NonFiniteElements>
  /// No entries when there is no zero.
  var zeroCounts: Entries<Int64>
  /// No entries when there is no zero slice.
  private let zeroSlices: Entries<ZeroSliceEntry>
  private let cosines: Entries<Float>
  /// Whether a recorder wrote the row that knew neither slices nor cosines.
  package let isOlder: Bool
  /// Whether each column that was read has an entry for each gradient.
  let fits: Bool

  /// The current row of ``SeriesRows``, whose columns come in this order.
  init(_ row: PreparedStatement, reading columns: Columns) {
    runID = row.integer(at: 0)
    firstBatchID = row.integer(at: 1)
    batchCount = row.integer(at: 2)
    firstGradientID = row.integer(at: 3)
    weightIDs = Entries(row.bytes(at: 4))
    absent = Entries(row.bytes(at: 5))
    nonFinite = Entries(row.bytes(at: 6))
    norms = Entries(row.bytes(at: 7))
    meansOfNonZero = Entries(row.bytes(at: 8))
    zeroCounts = Entries(row.bytes(at: 9))
    zeroSlices = Entries(row.bytes(at: 10))
    cosines = Entries(row.bytes(at: 11))
    isOlder = row.integer(at: 12) != 0
    let (entries, overflows) = batchCount.multipliedReportingOverflow(by: Int64(weightIDs.count))
    func has(_ column: Int32, _ size: Int64, isOptional: Bool = true) -> Bool {
      if isOptional, row.isNull(at: column) { return true }
      let (bytes, overflows) = entries.multipliedReportingOverflow(by: size)
      return !overflows && Int64(row.bytes(at: column).count) == bytes
    }
    fits =
      !overflows && entries > 0 && has(5, 1) && has(6, 24)
      && has(7, 8, isOptional: !columns.contains(.norms))
      && has(8, 8, isOptional: !columns.contains(.meansOfNonZero))
      && has(9, 8) && has(10, 8) && has(11, 4)
  }

  /// Whether no gradient is absent.
  @inlinable package var isFull: Bool { absent.count == 0 }
  /// Whether no gradient has a NaN or infinite element.
  @inlinable package var isFinite: Bool { nonFinite.count == 0 }

  /// Whether there is no gradient.
  @inlinable package func isAbsent(_ entry: Int) -> Bool {
    absent.count > 0 && absent[entry] != 0
  }

  /// The NaN and infinite elements of a gradient.
  @inlinable package func nonFiniteElements(_ entry: Int) -> NonFiniteElements {
    nonFinite.count > 0 ? nonFinite[entry] : NonFiniteElements()
  }

  /// The zeros of a gradient; 0 when absent.
  package func zeroCount(_ entry: Int) -> Int64 { zeroCounts.count > 0 ? zeroCounts[entry] : 0 }

  /// The zero rows and zero columns of a gradient; nil for a scalar, when absent, and where they were not counted.
  package func zeroSlices(_ entry: Int) -> (rows: Int64, columns: Int64)? {
    if isOlder { return nil }
    guard zeroSlices.count > 0 else { return (0, 0) }
    let slices = zeroSlices[entry]
    return slices.rows < 0 ? nil : (Int64(slices.rows), Int64(slices.columns))
  }

  /// The cosine between a gradient and the one before; nil when there is none.
  package func cosine(_ entry: Int) -> Double? {
    guard cosines.count > 0, !cosines[entry].isNaN else { return nil }
    return Double(cosines[entry])
  }
}

/// The numbers of a blob, which need no alignment.
package struct Entries<Element: BitwiseCopyable> {
  @usableFromInline package let bytes: UnsafeRawBufferPointer

  package init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  @inlinable package var count: Int { bytes.count / MemoryLayout<Element>.size }

  @inlinable package var indices: Range<Int> { 0..<count }

  @inlinable package subscript(index: Int) -> Element {
    bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Element>.size, as: Element.self)
  }
}

/// An entry of `nonfinite_blob`.
package struct NonFiniteElements: BitwiseCopyable {
  package var nan: Int64 = 0
  package var posinf: Int64 = 0
  package var neginf: Int64 = 0

  package init() {}

  package var count: Int64 { nan + posinf + neginf }
}

/// An entry of `zero_slices_blob`: −1 for what a gradient does not have.
package struct ZeroSliceEntry: BitwiseCopyable {
  package var rows: Int32 = 0
  package var columns: Int32 = 0

  package init() {}
}
