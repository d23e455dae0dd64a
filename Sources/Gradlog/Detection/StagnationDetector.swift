/// Rule ``Rule/stagnation``: the training goes nowhere. Either each gradient is the one before as far as can be seen, so
/// that no update happens; or the loss is where it began, but for what chance brings about.
///
/// A training that goes on from a good state has a flat loss too. What tells them apart is that the loss is not far below
/// that of guessing, ln of the number of classes, or that the gradients agree with each other, those of the first batches
/// and those of the last: where there is nothing left to learn they are noise.
struct StagnationDetector: Sendable {
  private var identical = Streak()
  private var previousLoss: Double?
  private var firstCosines = RollingMedian(of: 16)
  private var lastCosines = RollingMedian(of: 32)

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    if network.cosine.isFinite {
      if !firstCosines.isFull { firstCosines.add(network.cosine) }
      lastCosines.add(network.cosine)
    }
    judgeIdentity(network, thresholds, &log)
    judgeLoss(network, trend, thresholds, &log)
  }

  private mutating func judgeIdentity(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    let isSame =
      network.norm > 0 && abs(network.norm - network.previousNorm) <= 1e-6 * network.norm
      && network.cosine > 1 - 1e-6
      && (network.batch.loss == nil || network.batch.loss == previousLoss)
    previousLoss = network.batch.loss
    guard identical.observe(isSame, at: network.place) else {
      return log.end(.stagnation, showing: .identical)
    }
    guard let since = identical.start, Double(identical.length) >= thresholds.stagnationPatience
    else { return }
    log.note(
      Hit(
        rule: .stagnation, severity: .critical, since: since, value: Double(identical.length),
        threshold: thresholds.stagnationPatience, symptom: .identical), at: network.place)
  }

  /// The longer a training has gone on, the more its loss must have fallen.
  private func judgeLoss(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard trend.isTelling, Double(trend.lossCount) >= thresholds.stagnationBatches else { return }
    let isLong = Double(trend.lossCount) >= thresholds.stagnationLongBatches
    let bound = isLong ? thresholds.stagnationLongFall : thresholds.stagnationFall
    let leastFall = max(bound, thresholds.stagnationErrors * trend.fallError)
    guard trend.fall < leastFall else {
      // A loss that has only just begun to fall is still nearly what it was.
      if trend.hasLearned(thresholds.stagnationRecovery)
        || !network.isGuessing(trend.loss, thresholds)
      {
        log.end(.stagnation, showing: .flatLoss)
      }
      return
    }
    let hasMuchToLearn = network.isGuessing(trend.loss, thresholds) || gradientsAgree(thresholds)
    log.note(
      Hit(
        rule: .stagnation, severity: hasMuchToLearn ? .critical : .warning, since: network.start,
        value: trend.lastLoss, baseline: trend.startingLoss,
        threshold: trend.loss(fallenBy: leastFall), symptom: .flatLoss, isRevised: true),
      at: network.place)
  }

  private func gradientsAgree(_ thresholds: Thresholds) -> Bool {
    firstCosines.median >= thresholds.stagnationCosine
      && firstCosines.median <= thresholds.stagnationMostCosine
      && lastCosines.median >= thresholds.stagnationCosine
  }
}
