internal import Glibc

/// Rule ``Rule/exploding``, as the norm shows it: that of the whole gradient leaves its own history upwards by a large
/// factor, stays there while the loss gets worse, or runs into NaN; or units are dead after it.
///
/// The history is a robust level of log₂ norm, which takes nothing from an excursion, so that a spike
/// does not hide the next one (as it does with mean and standard deviation: OLMo-core's
/// SkipStepOptimizer and ZClip exclude it for the same reason).
struct ExplosionDetector: Sendable {
  private var level = RobustLevel()
  /// The lowest log₂ norm, which stands in while there is no level.
  private var lowest = Double.infinity
  /// Batches in a row in which the norm is above its history.
  private(set) var excursion: Excursion?
  /// The first excursion that was too high for a mere spike.
  private var jump: Excursion?
  /// Excursions that were so high.
  private var jumpCount = 0
  /// Whether the first jump lasted, or came again.
  private var isJumpSure = false

  struct Excursion: Sendable {
    let start: BatchPlace
    /// log₂ of the norm before.
    let baseline: Double
    /// The weight that had risen most when it began.
    let weight: Int?
    fileprivate(set) var length = 0
    fileprivate(set) var peak = 0.0
    fileprivate var rises = RollingMedian(of: 16)

    fileprivate mutating func add(_ rise: Double) {
      length += 1
      peak = max(peak, rise)
      rises.add(rise)
    }
  }

  private static let warmUp = 8
  /// An excursion of this length that does no harm is the new normal.
  private static let longest = 64

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    if network.nonFiniteCount > 0 || !(network.batch.loss?.isFinite ?? true) {
      return endInNonFinite(network, thresholds, &log)
    }
    guard network.norm > 0, network.norm.isFinite else { return }
    let size = log2(network.norm)
    follow(size, network, trend, rises, thresholds)
    if excursion == nil { level.add(size) }
    judgeJump(network, trend, thresholds, &log)
    judge(network, trend, thresholds, &log)
    // A jump after which units are dead was no mere jump.
    log.escalate(.exploding, ifFollowedBy: .dead, within: Int(thresholds.explodingAftermath))
    log.escalate(.exploding, ifFollowedBy: .vanishing, within: Int(thresholds.explodingAftermath))
  }

  /// Begins, continues or ends an excursion.
  private mutating func follow(
    _ size: Double, _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises,
    _ thresholds: Thresholds
  ) {
    let reference = level.count < Self.warmUp ? min(lowest, size) : level.level
    lowest = min(lowest, size)
    let rise = size - reference
    let bound = max(log2(thresholds.explodingOnset), 6 * level.spread)
    if excursion == nil, network.index > 0, rise >= bound {
      excursion = Excursion(start: network.place, baseline: reference, weight: rises.highest)
    }
    let jumpBound = log2(thresholds.explodingFactor)
    let isNewJump = (excursion?.peak ?? .infinity) < jumpBound && rise >= jumpBound
    excursion?.add(rise)
    if isNewJump {
      jumpCount += 1
      if jump == nil || (!isJumpSure && trend.knowsLoss) { jump = excursion }
    }
    if let excursion, excursion.start == jump?.start { jump = excursion }
    if rise < bound / 2 { excursion = nil }
  }

  /// Whether a jump did harm shows in the loss later; without a loss, in that it is not the only one.
  private mutating func judgeJump(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard let jump else { return }
    let lasts = excursion?.start == jump.start && (excursion?.length ?? 0) >= 3
    let isRepeated = !trend.knowsLoss && Double(jumpCount) >= thresholds.explodingSpikes
    let severity: Rule.Severity = trend.hasLearned(thresholds) ? .warning : .critical
    if lasts || (isRepeated && excursion != nil) {
      isJumpSure = true
      note(jump, severity, .jump, network, thresholds.explodingFactor, &log)
    }
    if isJumpSure { log.revise(.exploding, weight: jump.weight, to: severity, showing: .jump) }
  }

  private mutating func judge(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard let excursion else { return }
    let isHarmful = !trend.knowsLoss || trend.relapse > thresholds.explodingRelapse
    let isHigh = excursion.rises.median >= log2(thresholds.explodingGrowth)
    if isHarmful, isHigh, Double(excursion.length) >= thresholds.explodingPatience {
      note(excursion, .critical, .growth, network, thresholds.explodingGrowth, &log)
    } else if excursion.peak >= log2(thresholds.explodingSpike),
      !(isJumpSure && excursion.start == jump?.start)
    {
      note(excursion, .warning, .spike, network, thresholds.explodingSpike, &log)
    }
    if excursion.length > Self.longest, !isHarmful {
      self.excursion = nil
      level = RobustLevel()
      lowest = .infinity
    }
  }

  /// What went before a NaN tells whether it was an explosion.
  private mutating func endInNonFinite(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    // The search for a loss scale overflows now and then.
    guard network.batch.lossScale == nil, let excursion,
      excursion.peak >= log2(thresholds.explodingGrowth)
    else { return }
    note(
      excursion, .critical, .growthIntoNonFinite, network, thresholds.explodingGrowth, &log)
    self.excursion = nil
  }

  private func note(
    _ excursion: Excursion, _ severity: Rule.Severity, _ symptom: Symptom,
    _ network: NetworkBatch, _ factor: Double, _ log: inout FindingLog
  ) {
    let rise = symptom == .growth ? excursion.rises.median : excursion.peak
    let baseline = exp2(excursion.baseline)
    log.note(
      Hit(
        rule: .exploding, severity: severity, weight: excursion.weight, since: excursion.start,
        value: symptom == .spike ? network.norm : exp2(excursion.baseline + rise),
        baseline: baseline, threshold: factor * baseline, symptom: symptom), at: network.place)
  }
}
