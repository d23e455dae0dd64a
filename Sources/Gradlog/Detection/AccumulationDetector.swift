/// Rule ``Rule/accumulating``: each gradient contains the one before, as it does when nothing zeroes them between
/// steps. What a batch adds, ‖g(t) − g(t−1)‖, is then as large as a gradient of the beginning, while the gradient itself
/// points where the one before pointed and has grown to several times that size. In a healthy run one of the two fails:
/// noisy gradients point elsewhere each time, and smooth ones change little.
struct AccumulationDetector: Sendable {
  private var recent = RollingMedian(of: 12)

  mutating func observe(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0, network.cosine.isFinite, network.firstNorm > 0 else { return }
    let looksSo =
      network.cosine >= thresholds.accumulatingCosine
      && network.change >= thresholds.accumulatingChange * network.firstNorm
      && network.norm >= thresholds.accumulatingGrowth * network.firstNorm
    recent.add(looksSo ? 1 : 0)
    guard recent.isFull, recent.quantile(0.35) == 1 else { return }
    log.note(
      Hit(
        rule: .accumulating, severity: .critical, value: network.norm, baseline: network.change,
        threshold: thresholds.accumulatingCosine, symptom: .accumulating), at: network.place)
  }
}
