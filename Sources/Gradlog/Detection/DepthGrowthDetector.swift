internal import Glibc

/// The part of ``Rule/exploding`` that looks at depth: the gradients grow by decades from the loss towards the input, as they do
/// when every layer of a deep network multiplies them (X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
/// feedforward neural networks", 2010).
struct DepthGrowthDetector: Sendable {
  private var streak = Streak()
  private var weight: Int?

  mutating func observe(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0, let (shallow, deep) = profile.ends else { return }
    guard
      streak.observe(
        shallow - deep >= thresholds.explodingDepth
          && shallow >= log10(thresholds.explodingDepthSize), at: network.place)
    else {
      if let weight { log.end(.exploding, weight: weight, showing: .depthGrowth) }
      return
    }
    guard Double(streak.length) >= thresholds.explodingPatience, let first = profile.kernels.first
    else { return }
    weight = weight ?? first
    log.note(
      Hit(
        rule: .exploding,
        severity: trend.knowsLoss && !trend.hasLearned(thresholds) ? .critical : .warning,
        weight: weight, since: streak.start, value: pow(10, shallow), baseline: pow(10, deep),
        threshold: pow(10, deep + thresholds.explodingDepth), symptom: .depthGrowth, isRevised: true
      ), at: network.place)
  }
}
