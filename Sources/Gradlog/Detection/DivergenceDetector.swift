internal import Glibc

/// Rule ``Rule/exploding``, as loss and size show it: the loss stays far above the one it began with, or far
/// above that of guessing; or the gradients are too large for any network from the first batch on, of which no history
/// tells.
struct DivergenceDetector: Sendable {
  private var losses = Streak()
  /// The weight that had risen most when the loss rose.
  private var weight: Int?
  /// Whether the loss rose and has not come back since.
  private var isUp = false
  private var firstSizes = Streak()
  /// The weight whose first gradients were too large.
  private var firstWeight: Int?

  /// Batches after which a network's first gradients have been seen.
  private static let firstBatches = 8

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises, _ profile: KernelProfile,
    _ excursion: ExplosionDetector.Excursion?, isOscillating: Bool, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    judgeLoss(network, trend, rises, excursion, isOscillating, thresholds, &log)
    judgeLossLevel(network, trend, thresholds, &log)
    judgeSize(network, profile, trend, thresholds, &log)
  }

  private mutating func judgeLoss(
    _ network: NetworkBatch, _ trend: Trend, _ rises: WeightRises,
    _ excursion: ExplosionDetector.Excursion?, _ isOscillating: Bool, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    let bound = thresholds.explodingLoss * trend.firstLoss
    guard let loss = network.batch.loss, trend.lossCount > 3, trend.isTelling, bound > 0 else {
      return
    }
    // A loss that is still above the first ones has not come back, though it may swing about the bound.
    if trend.loss < trend.firstLoss {
      log.end(.exploding, weight: weight, showing: .lossGrowth)
      isUp = false
    }
    // How far the steps jump over the valley is how far the loss rises: oscillation says it better.
    let isSwing = isOscillating && trend.loss < thresholds.explodingSwing * trend.firstLoss
    if isSwing { log.revise(.exploding, weight: weight, to: .warning, showing: .lossGrowth) }
    if losses.length == 0, loss > bound, !isUp { weight = excursion?.weight ?? rises.highest }
    guard losses.observe(loss > bound, at: network.place), trend.loss > bound,
      Double(losses.length) >= thresholds.explodingLossPatience, let start = losses.start
    else { return }
    isUp = true
    let since = excursion.map { $0.start.ordinal < start.ordinal ? $0.start : start } ?? start
    log.note(
      Hit(
        rule: .exploding, severity: isSwing ? .warning : .critical, weight: weight, since: since,
        value: trend.loss, baseline: trend.firstLoss, threshold: bound,
        symptom: .lossGrowth, isRevised: true),
      at: network.place)
  }

  /// A classifier that is still far worse than guessing began with gigantic outputs.
  private func judgeLossLevel(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    let guessing = Glibc.log(Double(network.outputCount))
    let bound = thresholds.explodingLossLevel * guessing
    // A loss that is a sum over many things is large too, but no steeper for it: both grow alike.
    guard network.outputCount > 2, Double(trend.lossCount) >= thresholds.stagnationBatches,
      trend.isTelling, trend.firstLoss > bound,
      network.firstNorm >= thresholds.explodingSteepness * trend.firstLoss
    else { return }
    if trend.loss < guessing { log.end(.exploding, showing: .lossLevel) }
    // Where nothing moves, the gradients are not what is too large.
    let chance = max(thresholds.stagnationFall, thresholds.stagnationErrors * trend.fallError)
    guard trend.loss > bound, abs(trend.fall) > chance else { return }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, since: network.start, value: trend.loss,
        baseline: guessing, threshold: bound, symptom: .lossLevel),
      at: network.place)
  }

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
    // A single layer's gradient is as large as its inputs, which says nothing of the network.
    guard network.index < Self.firstBatches else {
      // Large sums and unscaled targets make large gradients too, which an optimizer may well divide by their size: the
      // loss tells.
      if let firstWeight, trend.knowsLoss {
        log.revise(
          .exploding, weight: firstWeight,
          to: trend.hasEverLearned(thresholds.explodingLearned) ? .warning : .critical,
          showing: .firstSize)
      }
      return
    }
    guard profile.kernels.count >= 2, let largest = profile.largest else { return }
    firstSizes.observe(largest.level > log10(thresholds.explodingFirstSize), at: network.place)
    guard firstSizes.length == Self.firstBatches else { return }
    firstWeight = largest.kernel
    log.note(
      Hit(
        rule: .exploding, severity: .warning, weight: largest.kernel, since: network.start,
        value: pow(10, largest.level), threshold: thresholds.explodingFirstSize,
        symptom: .firstSize), at: network.place)
  }
}
