/// One row of `gradient_series`, valid while it is handed over. Its columns have an entry for each
/// gradient, batch by batch.
struct SeriesChunk {
  /// The columns that cost time to read.
  struct Columns: OptionSet {
    let rawValue: Int

    static let norms = Columns(rawValue: 1)
    static let meansOfNonZero = Columns(rawValue: 2)
    static let zeroCounts = Columns(rawValue: 4)
    static let zeroSlices = Columns(rawValue: 8)
    static let cosines = Columns(rawValue: 16)
  }

  /// The batches, in order.
  let batches: ArraySlice<SeriesIndex.Batch>
  /// The epochs that are asked for.
  let epochs: ClosedRange<Int64>
  /// The key of the first entry; those of the others follow.
  let firstGradientID: Int64
  /// Which weights a batch has.
  let layout: SeriesLayout
  /// 1 for an absent gradient; no entries when there is none.
  private let absent: Entries<UInt8>
  /// NaN where a gradient has none.
  let norms: Entries<Double>
  /// Means of |g| over the non-zero elements; NaN where there is none.
  let meansOfNonZero: Entries<Double>
  private let nonFinite: Entries<NonFiniteElements>
  /// No entries when there is no zero.
  private let zeroCounts: Entries<Int64>
  /// No entries when there is no zero slice.
  private let zeroSlices: Entries<ZeroSliceEntry>
  private let cosines: Entries<Float>
  /// Whether a recorder wrote the row that knew neither slices nor cosines.
  private let isOlder: Bool

  init(
    batches: ArraySlice<SeriesIndex.Batch>, epochs: ClosedRange<Int64>, firstGradientID: Int64,
    layout: SeriesLayout, absent: Entries<UInt8>, norms: Entries<Double>,
    meansOfNonZero: Entries<Double>, nonFinite: Entries<NonFiniteElements>,
    zeroCounts: Entries<Int64>, zeroSlices: Entries<ZeroSliceEntry>, cosines: Entries<Float>,
    isOlder: Bool
  ) {
    self.batches = batches
    self.epochs = epochs
    self.firstGradientID = firstGradientID
    self.layout = layout
    self.absent = absent
    self.norms = norms
    self.meansOfNonZero = meansOfNonZero
    self.nonFinite = nonFinite
    self.zeroCounts = zeroCounts
    self.zeroSlices = zeroSlices
    self.cosines = cosines
    self.isOlder = isOlder
  }

  /// Whether no gradient is absent.
  var isFull: Bool { absent.count == 0 }
  /// Whether no gradient has a NaN or infinite element.
  var isFinite: Bool { nonFinite.count == 0 }
  /// Whether every batch is asked for.
  var isWhole: Bool { batches.allSatisfy { epochs.contains($0.epoch) } }

  func isAbsent(_ entry: Int) -> Bool { absent.count > 0 && absent[entry] != 0 }

  /// The NaN and infinite elements of a gradient.
  func nonFiniteElements(_ entry: Int) -> NonFiniteElements {
    nonFinite.count > 0 ? nonFinite[entry] : NonFiniteElements()
  }

  /// The zeros of a gradient; 0 when absent.
  func zeroCount(_ entry: Int) -> Int64 { zeroCounts.count > 0 ? zeroCounts[entry] : 0 }

  /// The zero rows and zero columns of a gradient; nil for a scalar, when absent, and where they were not counted.
  func zeroSlices(_ entry: Int) -> (rows: Int64, columns: Int64)? {
    if isOlder { return nil }
    guard zeroSlices.count > 0 else { return (0, 0) }
    let slices = zeroSlices[entry]
    return slices.rows < 0 ? nil : (Int64(slices.rows), Int64(slices.columns))
  }

  /// The cosine between a gradient and the one before; nil when there is none.
  func cosine(_ entry: Int) -> Double? {
    guard cosines.count > 0, !cosines[entry].isNaN else { return nil }
    return Double(cosines[entry])
  }

  /// Hands over each batch that is asked for, where it is in the index, and its first entry.
  func forEachBatch(_ body: (SeriesIndex.Batch, Int, Int) throws -> Void) rethrows {
    for (place, position) in batches.indices.enumerated()
    where epochs.contains(batches[position].epoch) {
      try body(batches[position], position, place * layout.weights.count)
    }
  }

  /// The kernel nearest to the loss among the gradients of a batch that are there; nil when it has none.
  func lastKernel(from first: Int) -> LastKernel? {
    layout.kernels.first { !isAbsent(first + $0.offset) }.map { kernel in
      LastKernel(position: kernel.position, norm: norms[first + kernel.offset])
    }
  }
}

/// Which weights the batches of a row have, in order.
struct SeriesLayout {
  /// For each gradient of a batch, where its weight is in the index.
  let weights: [Int]
  /// The gradients of kernels, the one nearest to the loss first.
  let kernels: [(offset: Int, position: Int64)]

  init(_ weights: [Int], _ index: SeriesIndex) {
    self.weights = weights
    kernels = weights.enumerated()
      .filter { index.weights[$1].isKernel }
      .map { (offset: $0, position: index.weights[$1].position) }
      .sorted { $0.position > $1.position }
  }
}

/// The kernel nearest to the loss in one batch.
struct LastKernel {
  let position: Int64
  /// NaN when no element is finite.
  let norm: Double
}

/// An entry of `nonfinite_blob`.
struct NonFiniteElements {
  var nan: Int64 = 0
  var posinf: Int64 = 0
  var neginf: Int64 = 0

  var count: Int64 { nan + posinf + neginf }
}

/// An entry of `zero_slices_blob`: −1 for what a gradient does not have.
struct ZeroSliceEntry {
  var rows: Int32 = 0
  var columns: Int32 = 0
}
