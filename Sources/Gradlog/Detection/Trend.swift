internal import Glibc

/// How the loss and the size of the gradients of one network have gone so far.
struct Trend: Sendable {
  /// The first losses.
  private var firstLosses = RollingMedian(of: 8)
  private var recentLosses = RollingMedian(of: 16)
  /// Finite losses so far.
  private(set) var lossCount = 0
  /// The median of the first losses; NaN before there is one.
  private(set) var firstLoss = Double.nan
  /// The lowest that ``loss`` has been since it was full; NaN before.
  private(set) var bestLoss = Double.nan
  /// The median of the last losses; NaN before there is one.
  private(set) var loss = Double.nan

  mutating func add(loss value: Double) {
    guard value.isFinite else { return }
    lossCount += 1
    if !firstLosses.isFull {
      firstLosses.add(value)
      firstLoss = firstLosses.median
    }
    recentLosses.add(value)
    loss = recentLosses.median
    if recentLosses.isFull { bestLoss = bestLoss.isNaN ? loss : min(bestLoss, loss) }
  }

  /// Whether the losses are known well enough to judge by them.
  var knowsLoss: Bool { recentLosses.isFull }

  /// By which share of itself the loss has fallen from the first batches to the best ones; NaN when unknown.
  var fall: Double {
    (firstLoss - bestLoss) / max(abs(firstLoss), .leastNormalMagnitude)
  }

  /// By which share of what it had fallen to the loss is above its best; NaN when unknown.
  var relapse: Double {
    (loss - bestLoss) / max(abs(bestLoss), .leastNormalMagnitude)
  }
}

/// One batch of one network.
struct NetworkBatch {
  let batch: ObservedBatch
  /// Batches of this network before this one.
  let index: Int
  /// √Σ of the squared norms of the weights: the norm of the whole gradient.
  let norm: Double
  /// Norm of the batch before; NaN in the first.
  let previousNorm: Double
  /// Norm of the first batch.
  let firstNorm: Double
  /// Cosine of the angle to the gradient of the batch before, from those of the weights; NaN when unknown.
  let cosine: Double
  let nonFiniteCount: Int

  var place: BatchPlace { batch.place }

  /// ‖g(t) − g(t−1)‖, by the law of cosines; NaN when unknown.
  var change: Double {
    let squares = norm * norm + previousNorm * previousNorm
    return max(0, squares - 2 * cosine * norm * previousNorm).squareRoot()
  }
}
