/// How the loss of one network has gone so far.
struct Trend: Sendable {
  /// The first losses.
  private var firstLosses = RollingMedian(of: 8)
  private var recentLosses = RollingMedian(of: 16)
  private var curve = LossCurve()
  /// A loss that rises at once does not count as the one it began with.
  private var firstBound = Double.infinity
  /// The median of the first losses; NaN before there is one.
  private(set) var firstLoss = Double.nan
  /// The lowest that ``loss`` has been since it was full; NaN before.
  private(set) var bestLoss = Double.nan
  /// The median of the last losses; NaN before there is one.
  private(set) var loss = Double.nan

  mutating func add(loss value: Double) {
    guard value.isFinite else { return }
    curve.add(value)
    if curve.count <= 16, value <= 0 { isTelling = false }
    if !firstLosses.isFull {
      firstLosses.add(value)
      if firstLosses.count == 1 { firstBound = value > 0 ? 1.2 * value : .infinity }
      firstLoss = min(firstLosses.median, firstBound)
    }
    recentLosses.add(value)
    loss = recentLosses.median
    if recentLosses.isFull { bestLoss = bestLoss.isNaN ? loss : min(bestLoss, loss) }
  }

  /// Finite losses so far.
  var lossCount: Int { curve.count }

  /// Whether the losses are known well enough to judge by them.
  var knowsLoss: Bool { recentLosses.isFull && isTelling }

  /// Whether the loss has a scale of its own: one that begins around zero, such as that of a policy gradient, says nothing
  /// by its ratio to the first ones.
  private(set) var isTelling = true

  /// By which share of itself the loss has fallen: from the first batches to the last quarter, or from the first quarter
  /// to the last, whichever is more. NaN when unknown.
  var fall: Double {
    (startingLoss - lastLoss) / scale(of: firstLoss)
  }

  /// What ``fall`` is measured from; NaN when unknown.
  var startingLoss: Double { min(max(firstLoss, curve.quarters.first), firstBound) }

  /// The mean of the last quarter of the losses; NaN when unknown.
  var lastLoss: Double { curve.quarters.last }

  /// What ``lastLoss`` is when ``fall`` is `share`.
  func loss(fallenBy share: Double) -> Double { startingLoss - share * scale(of: firstLoss) }

  /// What of ``fall`` chance alone brings about: standard errors of the two differences it is made of.
  var fallError: Double {
    let quarter = max(1, Double(curve.count) / 4)
    let fromFirst = curve.noise * (1.57 / 8 + 1 / quarter).squareRoot()
    let fromQuarter = curve.noise * (2 / quarter).squareRoot()
    return (firstLoss >= curve.quarters.first ? fromFirst : fromQuarter) / scale(of: firstLoss)
  }

  /// By which share of itself the loss has fallen from the third quarter to the last; NaN when unknown.
  var progress: Double {
    isTelling
      ? (curve.quarters.third - curve.quarters.last) / scale(of: curve.quarters.third) : .nan
  }

  /// Whether the loss is so far below the one it began with that whatever looks odd does no harm.
  func hasLearned(_ thresholds: Thresholds) -> Bool { hasLearned(thresholds.learnedShare) }

  /// Whether the loss has come down by a share of the one it began with.
  func hasLearned(_ share: Double) -> Bool {
    knowsLoss && (firstLoss - loss) / scale(of: firstLoss) >= share
  }

  /// Whether the loss was ever lower than the one it began with by a share of that.
  func hasEverLearned(_ share: Double) -> Bool {
    (firstLoss - bestLoss) / scale(of: firstLoss) >= share
  }

  /// By which share of it the loss is above the best that it has been; NaN when unknown.
  var relapse: Double { (loss - bestLoss) / scale(of: bestLoss) }

  private func scale(of loss: Double) -> Double { max(abs(loss), .leastNormalMagnitude) }
}
