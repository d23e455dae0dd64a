/// The gradients of the first batches, to tell whether each contains those before it.
///
/// A sum of t + 1 gradients that have little in common is √(t + 1) times as long as one of them, and turns by an angle of
/// cosine √(t ÷ (t + 1)) when the next one is added; what they have in common makes it longer and turn less. Each of them is
/// about as long as the first. Gradients that are no sums do not grow like that with each batch, and those that do are nearly
/// the same from batch to batch.
struct FirstSums: Sendable {
  /// The first batch whose gradient contains another one; nil unless all of them look so.
  private(set) var start: BatchPlace?
  private var second: BatchPlace?
  /// Batches in which the norm rose.
  private var rises = 0
  /// Batches in which the gradient turned by more than a sum does.
  private var turns = 0
  /// Lengths of what was added, in those of the first gradient.
  private var additions = RollingMedian(of: batchCount)

  private static let batchCount = 12

  /// Whether the first gradients turned as no sums do.
  var turnedAway: Bool { turns >= 5 }

  mutating func observe(_ network: NetworkBatch, _ thresholds: Thresholds) {
    let index = network.index
    guard (1...Self.batchCount).contains(index), network.change.isFinite else { return }
    if index == 1 { second = network.place }
    let count = Double(index)
    if network.norm > network.previousNorm { rises += 1 }
    if network.cosine < (count / (count + 1)).squareRoot() - 0.12 { turns += 1 }
    additions.add(network.change / network.firstNorm)
    guard index == Self.batchCount, additions.isFull else { return }
    let looksSo =
      rises >= 9 && turns <= 2
      && network.norm >= thresholds.accumulatingFirstSum * network.firstNorm
      && additions.median >= thresholds.accumulatingAddition && additions.quantile(1) <= 4
    if looksSo { start = second }
  }
}
