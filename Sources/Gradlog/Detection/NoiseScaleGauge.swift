/// Rule ``Rule/noiseScale``: the simple noise scale of McCandlish et al. ("An Empirical Model of Large-Batch Training",
/// arXiv 1812.06162), in batches: tr Σ ÷ |G|², where gradients of neighbouring batches share |G|² = E g(t)·g(t−1) and
/// E |g|² = |G|² + tr Σ. Averages as in that paper's appendix A, with weight 0.99.
struct NoiseScaleGauge: Sendable {
  private var shared = 0.0
  private var squares = 0.0
  private var count = 0

  mutating func observe(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0, network.cosine.isFinite else { return }
    count += 1
    let rate = max(0.01, 1 / Double(count))
    shared += rate * (network.cosine * network.norm * network.previousNorm - shared)
    squares += rate * (network.norm * network.norm - squares)
    guard Double(count) >= thresholds.noiseScaleBatches, shared > 0 else { return }
    log.note(
      Hit(
        rule: .noiseScale, severity: .info, value: max(0, squares - shared) / shared,
        threshold: 1, symptom: .noise), at: network.place)
  }
}
