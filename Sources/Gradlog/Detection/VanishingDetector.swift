internal import Glibc

/// Rule ``Rule/vanishing``: the gradients shrink by decades from the loss towards the input (AutoTrainer compares the first
/// and the last kernel), or are next to nothing throughout the network while the loss is not.
struct VanishingDetector: Sendable {
  private var depth = Streak()
  /// The weight that the finding about the depth is about; nil before there is one.
  private var first: Int?
  /// What the first kernels' level was when that finding was made.
  private var sunken = 0.0
  /// Whether, without a loss, it was ever bad enough to be critical.
  private var wasBad = false
  private var tiny = Streak()
  /// The largest level of a kernel in the first batches; NaN before they are over.
  private var firstLevel = Double.nan

  /// Batches that tell of the first gradients.
  private static let firstBatches = 4
  /// What an unknown loss is taken to be at least: anywhere, and before anything was learned.
  private static let leastLoss = (ever: 0.01, first: 0.03)

  mutating func observe(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    judgeDepth(network, profile, trend, thresholds, &log)
    judgeSize(network, profile, trend, thresholds, &log)
  }

  private mutating func judgeDepth(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard let (input, deep) = profile.ends else { return }
    // Where the gates of a network are shut, the first layers may get theirs by another way.
    let middle = profile.middle ?? input
    let shallow = deep - middle >= thresholds.vanishingMiddle ? min(input, middle) : input
    let drop = deep - shallow
    let isLow = drop >= thresholds.vanishingDrop && shallow < log10(thresholds.vanishingSize)
    let hasRisen = shallow > sunken + thresholds.vanishingRise
    depth.observe(isLow, at: network.place)
    guard Double(depth.length) >= thresholds.vanishingPatience, let since = depth.start else {
      // What it has cost is not over while the loss is still high, nor because the last kernels have come to rest.
      if let first, !isLow, trend.knowsLoss ? trend.hasLearned(thresholds) : hasRisen {
        log.end(.vanishing, weight: first, showing: .depth)
      }
      return
    }
    let weight = first ?? firstVanished(profile, below: deep, thresholds)
    if first == nil { sunken = shallow }
    first = weight
    let isBad =
      drop >= thresholds.vanishingCriticalDrop && !wasAlive(since, network, thresholds)
    wasBad = isBad || wasBad && !hasRisen
    let isCritical = trend.knowsLoss ? !trend.hasLearned(thresholds) : wasBad
    log.note(
      Hit(
        rule: .vanishing, severity: isCritical ? .critical : .warning, weight: weight,
        since: since, value: pow(10, shallow), baseline: pow(10, deep),
        threshold: min(pow(10, deep - thresholds.vanishingDrop), thresholds.vanishingSize),
        symptom: .depth, isRevised: true),
      at: network.place)
  }

  /// Whether the gradients were larger at first. Without a loss, a training that came to its end looks the same.
  private func wasAlive(
    _ since: BatchPlace, _ network: NetworkBatch, _ thresholds: Thresholds
  ) -> Bool {
    since.ordinal - network.start.ordinal > 3 * Int(thresholds.vanishingPatience)
  }

  /// The kernel nearest to the input that has vanished.
  private func firstVanished(
    _ profile: KernelProfile, below deep: Double, _ thresholds: Thresholds
  ) -> Int? {
    profile.kernels.first { deep - profile.level(of: $0) >= thresholds.vanishingDrop }
  }

  /// Every kernel's gradient is next to nothing, compared with the loss where that is known.
  private mutating func judgeSize(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard let largest = profile.largest else { return }
    if network.index + 1 == Self.firstBatches { firstLevel = largest.level }
    let (bound, patience) = leastSize(trend, thresholds)
    let hasLearned = trend.knowsLoss && trend.loss < 0.05 * trend.firstLoss
    if !tiny.observe(largest.level < log10(bound) && !hasLearned, at: network.place) {
      log.end(.vanishing, weight: profile.kernels.first, showing: .tiny)
    }
    guard Double(tiny.length) >= patience, let since = tiny.start else { return }
    log.note(
      Hit(
        rule: .vanishing,
        severity: wasAlive(since, network, thresholds) && !trend.knowsLoss ? .warning : .critical,
        weight: profile.kernels.first, since: since, value: pow(10, largest.level),
        threshold: bound, symptom: .tiny), at: network.place)
  }

  /// The size below which a kernel's gradient is next to nothing, and the batches for which it has to be: more of them where
  /// only the first gradients say that there is anything to learn.
  private func leastSize(_ trend: Trend, _ thresholds: Thresholds)
    -> (bound: Double, patience: Double)
  {
    if trend.knowsLoss {
      let loss = max(abs(trend.loss), .leastNormalMagnitude)
      return (thresholds.vanishingTiny * loss, thresholds.vanishingPatience)
    }
    let first = thresholds.vanishingFirstSize * Self.leastLoss.first
    return firstLevel < log10(first)
      ? (10 * first, thresholds.stagnationBatches)
      : (thresholds.vanishingTiny * Self.leastLoss.ever, thresholds.vanishingPatience)
  }
}
