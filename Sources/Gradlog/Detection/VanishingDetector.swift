internal import Glibc

/// Rule ``Rule/vanishing``: the gradients shrink by decades from the loss towards the input (AutoTrainer compares the first
/// and the last kernel), or are next to nothing throughout the network while the loss is not.
struct VanishingDetector: Sendable {
  private var depth = Streak()
  /// The weight that the finding about the depth is about; nil before there is one.
  private var first: Int?
  private var tiny = Streak()

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
    depth.observe(isLow, at: network.place)
    guard Double(depth.length) >= thresholds.vanishingPatience, let since = depth.start else {
      // What it has cost is not over while the loss is still high.
      if let first, !isLow, !trend.knowsLoss || trend.hasLearned(thresholds) {
        log.end(.vanishing, weight: first, showing: .depth)
      }
      return
    }
    let weight = first ?? firstVanished(profile, below: deep, thresholds)
    first = weight
    let isCritical =
      trend.knowsLoss
      ? !trend.hasLearned(thresholds)
      : drop >= thresholds.vanishingCriticalDrop && !wasAlive(since, network, thresholds)
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
    let scale = trend.knowsLoss ? max(abs(trend.loss), .leastNormalMagnitude) : 0.01
    let bound = thresholds.vanishingTiny * scale
    let hasLearned = trend.knowsLoss && trend.loss < 0.05 * trend.firstLoss
    if !tiny.observe(largest.level < log10(bound) && !hasLearned, at: network.place) {
      log.end(.vanishing, weight: profile.kernels.first, showing: .tiny)
    }
    guard Double(tiny.length) >= thresholds.vanishingPatience, let since = tiny.start else {
      return
    }
    log.note(
      Hit(
        rule: .vanishing,
        severity: wasAlive(since, network, thresholds) && !trend.knowsLoss ? .warning : .critical,
        weight: profile.kernels.first, since: since, value: pow(10, largest.level),
        threshold: bound, symptom: .tiny), at: network.place)
  }
}
