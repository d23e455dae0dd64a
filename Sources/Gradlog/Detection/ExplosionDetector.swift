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
  /// The weight that a jump too large for a mere spike is booked under.
  private var spike: Int??
  /// Excursions that went so high.
  private var jumps = 0
  private var lossExcursion = Streak()
  /// The weight that had risen most when it began.
  private var lossWeight: Int?
  private var firstSize = Streak()

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
    _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises, _ profile: KernelProfile,
    _ thresholds: Thresholds, _ log: inout FindingLog
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
    judgeLoss(network, trend, rises, thresholds, &log)
    judgeSize(network, profile, trend, thresholds, &log)
    judgeAftermath(thresholds, &log)
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
    if excursion?.peak ?? 0 < log2(thresholds.explodingFactor),
      rise >= log2(thresholds.explodingFactor)
    {
      jumps += 1
    }
    excursion?.add(rise)
    if rise < bound / 2 { excursion = nil }
  }

  private mutating func judge(
    _ rise: Double, _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    if let spike {
      // Whether a jump did harm shows later.
      let severity: Rule.Severity = trend.hasLearned(thresholds) ? .warning : .critical
      log.revise(.exploding, weight: spike, to: severity)
    }
    guard let excursion else { return }
    let isHarmful = trend.knowsLoss && trend.relapse > thresholds.explodingRelapse
    let isLong =
      Double(excursion.length) >= thresholds.explodingPatience
      && excursion.rises.median >= log2(thresholds.explodingGrowth)
    let isRepeated = !trend.knowsLoss && Double(jumps) >= thresholds.explodingSpikes
    if excursion.peak >= log2(thresholds.explodingFactor), excursion.length >= 3 || isRepeated {
      if spike == nil { spike = .some(excursion.weight) }
      note(excursion, rise, .warning, .spike, network, thresholds.explodingFactor, &log)
    } else if isLong && isHarmful {
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

  /// The loss stays far above where it began or had been.
  private mutating func judgeLoss(
    _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard let loss = network.batch.loss, trend.lossCount > 3 else { return }
    let bound = thresholds.explodingLoss * trend.firstLoss
    if lossExcursion.length == 0, loss > bound { lossWeight = excursion?.weight ?? rises.highest }
    judgeLossLevel(network, trend, thresholds, &log)
    if trend.loss < bound / 2 { log.end(.exploding, weight: lossWeight, showing: .lossGrowth) }
    guard trend.firstLoss > 0, lossExcursion.observe(loss > bound, at: network.place),
      trend.loss > bound, Double(lossExcursion.length) >= thresholds.explodingLossPatience,
      let start = lossExcursion.start
    else { return }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, weight: lossWeight,
        since: excursion.map { $0.start.step < start.step ? $0.start : start } ?? start,
        value: trend.loss, baseline: trend.firstLoss, threshold: thresholds.explodingLoss,
        symptom: .lossGrowth), at: network.place)
  }

  /// A classifier that is still far worse than guessing began with a gigantic output.
  private func judgeLossLevel(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    let guessing = Glibc.log(Double(network.outputCount))
    let bound = thresholds.explodingLossLevel * guessing
    guard network.outputCount > 2, Double(trend.lossCount) >= thresholds.stagnationBatches,
      trend.firstLoss > bound
    else { return }
    guard trend.loss > bound else { return log.end(.exploding, showing: .lossLevel) }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, since: network.start, value: trend.loss,
        baseline: guessing, threshold: thresholds.explodingLossLevel, symptom: .lossLevel),
      at: network.place)
  }

  /// A jump after which units are dead was no mere jump.
  private func judgeAftermath(_ thresholds: Thresholds, _ log: inout FindingLog) {
    log.escalate(
      .exploding, ifFollowedBy: .dead, within: Int(thresholds.explodingAftermath))
  }

  /// Too large for any network: what no history can show when it is so from the first batch on.
  private mutating func judgeSize(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    if network.norm > thresholds.explodingNorm {
      log.note(
        Hit(
          rule: .exploding, severity: .critical, value: network.norm,
          threshold: thresholds.explodingNorm, symptom: .size), at: network.place)
    }
    guard network.index < Self.warmUp, let largest = profile.largest else { return }
    firstSize.observe(
      largest.level > log10(thresholds.explodingFirstSize), at: network.place)
    guard firstSize.length == Self.warmUp else { return }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, weight: largest.kernel, since: network.start,
        value: pow(10, largest.level), threshold: thresholds.explodingFirstSize,
        symptom: .firstSize), at: network.place)
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
