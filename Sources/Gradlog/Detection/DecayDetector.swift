internal import Glibc

/// The part of ``Rule/vanishing`` that looks at time: the gradients decay by decades although there is much left to
/// learn. Where nothing is left they decay too, so the loss has to tell, and without one nothing is said.
struct DecayDetector: Sendable {
  private var firstSizes = RollingMedian(of: length)
  private var sizes = RollingMedian(of: length)
  private var streak = Streak()

  private static let length = 16

  mutating func observe(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0, network.norm > 0 else { return }
    let size = log10(network.norm)
    if !firstSizes.isFull { firstSizes.add(size) }
    sizes.add(size)
    guard firstSizes.isFull else { return }
    let bound = firstSizes.median - thresholds.vanishingDecay
    guard streak.observe(sizes.median < bound, at: network.place) else {
      return log.end(.vanishing, weight: profile.kernels.first, showing: .decay)
    }
    guard Double(streak.length) >= thresholds.vanishingPatience,
      network.isStuck(trend, thresholds), let weight = profile.kernels.first
    else { return }
    log.note(
      Hit(
        rule: .vanishing, severity: .critical, weight: weight, since: streak.start,
        value: pow(10, sizes.median), baseline: pow(10, firstSizes.median),
        threshold: pow(10, bound), symptom: .decay), at: network.place)
  }
}
