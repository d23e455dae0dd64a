internal import Glibc

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
  /// Numbers that the network gives out, as far as its last weight tells: at least 2.
  let outputCount: Int
  /// Where the first batch of this network is.
  let start: BatchPlace

  var place: BatchPlace { batch.place }

  /// Whether the training has gone on for a while and its loss is still no better than at the beginning, and bad.
  func isStuck(_ trend: Trend, _ thresholds: Thresholds) -> Bool {
    trend.knowsLoss && Double(trend.lossCount) >= thresholds.stagnationBatches
      && !trend.hasLearned(thresholds.oscillationShare) && isGuessing(trend.loss, thresholds)
  }

  /// Whether a loss is not far below that of guessing, ln of the number of classes: then there is much to learn. For
  /// a regression of standardized targets, whose loss is about 1 in the beginning, that fits as well.
  func isGuessing(_ loss: Double, _ thresholds: Thresholds) -> Bool {
    loss >= thresholds.guessingShare * log(Double(outputCount))
  }

  /// ‖g(t) − g(t−1)‖, by the law of cosines; NaN when unknown.
  var change: Double {
    let squares = norm * norm + previousNorm * previousNorm
    return max(0, squares - 2 * cosine * norm * previousNorm).squareRoot()
  }
}
