internal import Gradlog

/// A row of `gradient_series` that a question is about, valid while it is handed over.
struct SeriesChunk {
  /// The batches, in order.
  let batches: ArraySlice<SeriesIndex.Batch>
  /// The epochs that are asked for.
  let epochs: ClosedRange<Int64>
  /// Which weights a batch has.
  let layout: SeriesLayout
  /// What the row holds.
  let row: SeriesRow

  /// NaN where a gradient has none.
  let norms: Entries<Double>
  /// Means of |g| over the non-zero elements; NaN where there is none.
  let meansOfNonZero: Entries<Double>

  init(
    batches: ArraySlice<SeriesIndex.Batch>, epochs: ClosedRange<Int64>, layout: SeriesLayout,
    row: SeriesRow
  ) {
    self.batches = batches
    self.epochs = epochs
    self.layout = layout
    self.row = row
    norms = row.norms
    meansOfNonZero = row.meansOfNonZero
  }

  /// Whether no gradient is absent.
  var isFull: Bool { row.isFull }
  /// Whether no gradient has a NaN or infinite element.
  var isFinite: Bool { row.isFinite }
  /// Whether every batch is asked for.
  var isWhole: Bool { batches.allSatisfy { epochs.contains($0.epoch) } }

  func isAbsent(_ entry: Int) -> Bool { row.isAbsent(entry) }

  /// The NaN and infinite elements of a gradient.
  func nonFiniteElements(_ entry: Int) -> NonFiniteElements { row.nonFiniteElements(entry) }

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
