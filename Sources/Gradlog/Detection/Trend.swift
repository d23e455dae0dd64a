/// How the loss of one network has gone so far.
struct Trend: Sendable {
  /// The first losses.
  private var firstLosses = RollingMedian(of: 8)
  private var recentLosses = RollingMedian(of: 16)
  private var curve = LossCurve()
  /// The median of the first losses; NaN before there is one.
  private(set) var firstLoss = Double.nan
  /// The lowest that ``loss`` has been since it was full; NaN before.
  private(set) var bestLoss = Double.nan
  /// The median of the last losses; NaN before there is one.
  private(set) var loss = Double.nan

  mutating func add(loss value: Double) {
    guard value.isFinite else { return }
    curve.add(value)
    if !firstLosses.isFull {
      firstLosses.add(value)
      firstLoss = firstLosses.median
    }
    recentLosses.add(value)
    loss = recentLosses.median
    if recentLosses.isFull { bestLoss = bestLoss.isNaN ? loss : min(bestLoss, loss) }
  }

  /// Finite losses so far.
  var lossCount: Int { curve.count }

  /// Whether the losses are known well enough to judge by them.
  var knowsLoss: Bool { recentLosses.isFull }

  /// By which share of itself the loss has fallen: from the first batches to the last quarter, or from the first quarter
  /// to the last, whichever is more. NaN when unknown.
  var fall: Double {
    let quarters = curve.ends(0.25)
    return (max(firstLoss, quarters.first) - quarters.last) / scale(of: firstLoss)
  }

  /// What of ``fall`` chance alone brings about: standard errors of the two differences it is made of.
  var fallError: Double {
    let quarter = max(1, Double(curve.count) / 4)
    let fromFirst = curve.noise * (1.57 / 8 + 1 / quarter).squareRoot()
    let fromQuarter = curve.noise * (2 / quarter).squareRoot()
    return (firstLoss >= curve.ends(0.25).first ? fromFirst : fromQuarter) / scale(of: firstLoss)
  }

  /// By which share of it the loss is above the best that it has been; NaN when unknown.
  var relapse: Double { (loss - bestLoss) / scale(of: bestLoss) }

  private func scale(of loss: Double) -> Double { max(abs(loss), .leastNormalMagnitude) }
}
