/// Rule ``Rule/oscillation``: each gradient points against the one before, as it does when a step jumps over the
/// valley. Judged by the median cosine of the last batches (the idea is Cockpit's Alpha gauge).
struct OscillationDetector: Sendable {
  private var cosines = RollingMedian(of: 16)
  private var streak = Streak()

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0, network.cosine.isFinite else { return }
    cosines.add(network.cosine)
    guard cosines.isFull else { return }
    let median = cosines.median
    guard streak.observe(median < thresholds.oscillationCosine, at: network.place),
      let since = streak.start, Double(streak.length) >= thresholds.oscillationPatience
    else {
      if streak.length == 0 { log.end(.oscillation) }
      return
    }
    let isFruitless = trend.knowsLoss && trend.fall < thresholds.oscillationFall
    log.note(
      Hit(
        rule: .oscillation, severity: isFruitless ? .critical : .warning, since: since,
        value: median, threshold: thresholds.oscillationCosine, symptom: .turning),
      at: network.place)
  }
}
