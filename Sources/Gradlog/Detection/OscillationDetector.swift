/// Rule ``Rule/oscillation``: each gradient points against the one before, as it does when a step jumps over the valley
/// (the idea is Cockpit's Alpha gauge). Many a healthy training does so at the edge of stability, so it is critical only while
/// the loss has not come down and does not, or, where none is known, when the gradients turn round almost entirely.
struct OscillationDetector: Sendable {
  private var cosines = RollingMedian(of: 32)
  private var streak = Streak()
  /// Whether the steps jump over the valley and the training gets nowhere.
  private(set) var isFruitless = false
  /// The lowest median of the streak.
  private var lowest = 0.0

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0, network.cosine.isFinite else { return }
    cosines.add(network.cosine)
    guard cosines.isFull else { return }
    let median = cosines.median
    // Once it turns, it has to point half as far forward again until it counts as over.
    let bound =
      streak.length > 0 ? 0.5 * thresholds.oscillationCosine : thresholds.oscillationCosine
    guard streak.observe(median < bound, at: network.place) else {
      isFruitless = false
      return log.end(.oscillation, showing: .turning)
    }
    lowest = streak.length == 1 ? median : min(lowest, median)
    guard Double(streak.length) >= thresholds.oscillationPatience else { return }
    isFruitless =
      trend.knowsLoss
      ? isHigh(trend, network, thresholds)
        && (getsNowhere(trend, thresholds) || fallsBack(trend, thresholds))
      : median < thresholds.oscillationCriticalCosine
    let isFruitful =
      trend.hasLearned(thresholds.oscillationShare)
      || trend.progress >= thresholds.oscillationProgress
    log.note(
      Hit(
        rule: .oscillation, severity: isFruitless ? .critical : isFruitful ? .info : .warning,
        since: streak.start,
        value: lowest, threshold: thresholds.oscillationCosine, symptom: .turning,
        isRevised: true), at: network.place)
  }

  /// Whether there is much to learn: more than at first, or nearly as much as for who guesses.
  private func isHigh(_ trend: Trend, _ network: NetworkBatch, _ thresholds: Thresholds) -> Bool {
    trend.loss > 1.1 * trend.firstLoss || network.isGuessing(trend.loss, thresholds)
  }

  private func getsNowhere(_ trend: Trend, _ thresholds: Thresholds) -> Bool {
    !trend.hasLearned(thresholds.oscillationShare)
      && !(trend.loss < trend.firstLoss && trend.progress >= thresholds.oscillationProgress)
  }

  /// Whether what the training had learned was lost again.
  private func fallsBack(_ trend: Trend, _ thresholds: Thresholds) -> Bool {
    !trend.hasLearned(thresholds) && trend.relapse >= thresholds.oscillationRelapse
  }
}
