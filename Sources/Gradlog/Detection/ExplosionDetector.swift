internal import Glibc

/// Rule ``Rule/exploding``: the norm of the whole gradient leaves its own history upwards and stays
/// there, or runs into NaN; or the loss leaves its history while the gradients grow; or the norm breaks
/// an absolute bound.
///
/// The history is a robust level of log₂ norm, which takes nothing from an excursion, so that a spike
/// does not hide the next one (as it does with mean and standard deviation: OLMo-core's
/// SkipStepOptimizer and ZClip exclude it for the same reason).
struct ExplosionDetector: Sendable {
  private var level = RobustLevel()
  /// log₂ norms of the first batches, the lowest of which stands in while there is no level.
  private var lowest = Double.infinity
  private var excursion: Excursion?
  private var lossExcursion: BatchPlace?

  private struct Excursion {
    let start: BatchPlace
    let baseline: Double
    /// The weight that had risen most when it began.
    var weight: Int?
    var length = 0
    var peak = 0.0
    var rises = RollingMedian(of: 16)

    mutating func add(_ rise: Double) {
      length += 1
      peak = max(peak, rise)
      rises.add(rise)
    }
  }

  private static let warmUp = 8

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    if network.nonFiniteCount > 0 || !(network.batch.loss?.isFinite ?? true) {
      return endInNonFinite(network, thresholds, &log)
    }
    guard network.norm > 0, network.norm.isFinite else { return }
    let size = log2(network.norm)
    let reference = level.count < Self.warmUp ? min(lowest, size) : level.level
    let rise = size - reference
    lowest = min(lowest, size)
    follow(rise, reference, network, rises, thresholds)
    if excursion == nil { level.add(size) }
    judge(rise, network, trend, thresholds, &log)
    judgeLoss(network, trend, thresholds, &log)
    judgeSize(network, thresholds, &log)
  }

  /// Begins, continues or ends an excursion.
  private mutating func follow(
    _ rise: Double, _ reference: Double, _ network: NetworkBatch, _ rises: WeightRises,
    _ thresholds: Thresholds
  ) {
    let bound = max(log2(thresholds.explodingOnset), 6 * level.spread)
    if excursion == nil, network.index > 0, rise >= bound {
      excursion = Excursion(start: network.place, baseline: reference, weight: rises.highest)
    }
    excursion?.add(rise)
    if rise < bound / 2 { excursion = nil }
  }

  private mutating func judge(
    _ rise: Double, _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard let excursion else { return }
    let isHigh = excursion.length >= 3 && excursion.rises.median >= log2(thresholds.explodingFactor)
    let isLong =
      Double(excursion.length) >= thresholds.explodingPatience
      && excursion.rises.median >= log2(thresholds.explodingGrowth)
    let isHarmful = trend.knowsLoss ? trend.relapse > thresholds.explodingRelapse : false
    if isHigh && (isHarmful || !trend.knowsLoss) || isLong && isHarmful {
      note(excursion, rise, .critical, .growth, network, thresholds.explodingGrowth, &log)
    } else if rise >= log2(thresholds.explodingSpike) {
      note(excursion, rise, .warning, .spike, network, thresholds.explodingSpike, &log)
    }
    // A change for good which does no harm is the new normal.
    if excursion.length > 64, !isHarmful {
      self.excursion = nil
      level = RobustLevel()
      lowest = .infinity
    }
  }

  private func note(
    _ excursion: Excursion, _ rise: Double, _ severity: Rule.Severity, _ symptom: Symptom,
    _ network: NetworkBatch, _ threshold: Double, _ log: inout FindingLog
  ) {
    log.note(
      Hit(
        rule: .exploding, severity: severity, weight: excursion.weight, since: excursion.start,
        value: network.norm, baseline: exp2(excursion.baseline), threshold: threshold,
        symptom: symptom), at: network.place)
  }

  /// The loss is far above where it began or had been, and the gradients have grown.
  private mutating func judgeLoss(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard let loss = network.batch.loss, trend.lossCount > 3 else { return }
    let normal = max(trend.firstLoss, trend.bestLoss.isNaN ? trend.firstLoss : trend.bestLoss)
    guard normal > 0, loss > thresholds.explodingLoss * normal else {
      return lossExcursion = trend.loss > thresholds.explodingLoss * normal ? lossExcursion : nil
    }
    lossExcursion = lossExcursion ?? network.place
    guard trend.loss > thresholds.explodingLoss * normal, let start = lossExcursion else { return }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, weight: excursion?.weight,
        since: excursion.map { $0.start.step < start.step ? $0.start : start } ?? start,
        value: trend.loss, baseline: normal, threshold: thresholds.explodingLoss,
        symptom: .lossGrowth), at: network.place)
  }

  private func judgeSize(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.norm > thresholds.explodingNorm else { return }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, value: network.norm,
        threshold: thresholds.explodingNorm, symptom: .size), at: network.place)
  }

  /// What went before a NaN tells whether it was an explosion.
  private mutating func endInNonFinite(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard let excursion, excursion.peak >= log2(thresholds.explodingGrowth) else { return }
    note(
      excursion, excursion.peak, .critical, .growthIntoNonFinite, network,
      thresholds.explodingGrowth, &log)
    self.excursion = nil
  }
}
