internal import Glibc

/// The gradients of the first batches, to tell whether each contains those before it.
///
/// A sum of t + 1 gradients that have little in common is √(t + 1) times as long as one of them, and turns by an angle of
/// cosine √(t ÷ (t + 1)) when the next one is added; what they have in common makes it longer and turn less. Each of them is
/// about as long as the first. Gradients that are no sums do not grow like that with each batch, and those that do are nearly
/// the same from batch to batch, or grow by a factor, and what is added with them.
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
  /// How much larger logarithms are in the second half of the batches than in the first, summed up.
  private var growth = (norm: 0.0, addition: 0.0)

  private static let batchCount = 12
  /// Share of the growth of a sum, as a logarithm, by which what is added may grow: it is all of it where a factor does it.
  private static let mostGrowth = 0.9

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
    let half = index > Self.batchCount / 2 ? 1.0 : -1
    growth.norm += half * log(network.norm)
    growth.addition += half * log(network.change)
    guard index == Self.batchCount, additions.isFull else { return }
    let looksSo =
      rises >= 9 && turns <= 2
      && network.norm >= thresholds.accumulatingFirstSum * network.firstNorm
      && additions.median >= thresholds.accumulatingAddition && additions.quantile(1) <= 4
      && growth.addition <= Self.mostGrowth * growth.norm
    if looksSo { start = second }
  }
}
