internal import Glibc

/// The part of ``Rule/vanishing`` that remembers the first gradients: a training that never got going, and whose first
/// gradients had vanished somewhere, or everywhere. By the time that this is sure the last layer has come to rest, all
/// gradients are small, and the profile does not show it any more.
struct FirstGradientsDetector: Sendable {
  private var first: KernelProfile?

  /// Batches that the first profile is made of: later ones show what the first steps did.
  private static let batchCount = 4

  mutating func observe(
    _ network: NetworkBatch, _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    if network.index + 1 == Self.batchCount { first = profile }
    guard let first, let largest = first.largest, first.kernels.count >= 2, trend.knowsLoss,
      Double(trend.lossCount) >= thresholds.stagnationBatches
    else { return }
    let neverBegan =
      network.isStuck(trend, thresholds) && !trend.hasEverLearned(thresholds.vanishingLearned)
    let tiny = log10(thresholds.vanishingFirstSize * trend.firstLoss)
    guard largest.level >= tiny else {
      // Biases alone can make the loss fall to that of the best constant answer.
      let hasStopped =
        !trend.hasLearned(thresholds) && trend.progress < thresholds.vanishingProgress
      if neverBegan || hasStopped {
        note(first, first.kernels[0], largest.level, tiny, .firstTiny, network, &log)
      }
      return
    }
    guard neverBegan else { return }
    // Where the largest is as large as it was, the steps are too small, and the profile may be that of any network.
    let isAtRest = (profile.largest?.level ?? -.infinity) < largest.level - thresholds.vanishingRest
    let drop = thresholds.vanishingDrop + (isAtRest ? 0 : thresholds.vanishingRestless)
    let lost = first.kernels(below: drop)
    guard let kernel = lost.first, lost.count * 5 >= first.kernels.count else { return }
    note(
      first, kernel, first.level(of: kernel), largest.level - thresholds.vanishingDrop, .firstDepth,
      network, &log)
  }

  private func note(
    _ profile: KernelProfile, _ kernel: Int, _ level: Double, _ bound: Double, _ symptom: Symptom,
    _ network: NetworkBatch, _ log: inout FindingLog
  ) {
    log.note(
      Hit(
        rule: .vanishing, severity: .critical, weight: kernel, since: network.start,
        value: pow(10, level),
        baseline: symptom == .firstDepth ? profile.largest.map { pow(10, $0.level) } : nil,
        threshold: pow(10, bound), symptom: symptom), at: network.place)
  }
}
