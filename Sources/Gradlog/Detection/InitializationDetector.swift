/// The part of ``Rule/vanishing`` and ``Rule/exploding`` that looks at the values with which the kernels began, where the
/// training told how large they were.
///
/// The gain of a kernel is the root mean square of its values times the square root of its width, the geometric mean of inputs
/// and outputs: it needs no knowledge of which dimension is which, and is 1 after Glorot and Bengio (2010) where both are equal.
/// By itself it proves nothing, since normalization makes up for it: it counts when the training does not get on.
struct InitializationDetector: Sendable {
  private struct Kernel {
    let weight: Int
    /// Root mean square of the values.
    let size: Double
    let gain: Double
  }

  private struct Anomaly {
    let rule: Rule
    let symptom: Symptom
    let weight: Int
    let gain: Double
    let bound: Double
  }

  /// Those of which the training told, and which did not begin with zeros: heads and gates may.
  private var kernels: [Kernel] = []
  private var found: Anomaly?

  /// Batches after which it is known where gradients are small.
  private static let firstBatches = 4
  /// How many times smaller than too small weights are that need no loss to be condemned.
  private static let certainty = 5.0

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ profile: KernelProfile, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    if network.index == 0 { measure(gradients, weights) }
    if network.index + 1 == Self.firstBatches {
      found = tooSmall(profile, thresholds) ?? tooLarge(thresholds)
    }
    guard let found else { return }
    if isOver(found, network, trend, thresholds) {
      return log.end(found.rule, weight: found.weight, showing: found.symptom)
    }
    let isCritical = isToBlame(found, network, trend, thresholds, log)
    log.note(
      Hit(
        rule: found.rule, severity: isCritical ? .critical : .warning, weight: found.weight,
        since: network.start, value: found.gain, threshold: found.bound, symptom: found.symptom,
        isRevised: true), at: network.place)
  }

  private mutating func measure(_ gradients: [ObservedGradient], _ weights: [ObservedWeight]) {
    for gradient in gradients {
      let weight = weights[gradient.weight]
      guard weight.isKernel, weight.elementCount > 0, let norm = weight.initialNorm, norm > 0
      else { continue }
      let root = Double(weight.elementCount).squareRoot()
      kernels.append(
        Kernel(weight: gradient.weight, size: norm / root, gain: norm / root.squareRoot()))
    }
  }

  /// The kernel that is named is the first one whose gradient has vanished, if any has.
  private func tooSmall(_ profile: KernelProfile, _ thresholds: Thresholds) -> Anomaly? {
    let bound = thresholds.vanishingWeights
    let gains = kernels.map(\.gain).sorted()
    guard gains.count >= 2, gains[gains.count / 2] <= bound else { return nil }
    let small = kernels.filter { $0.gain <= bound }.map(\.weight)
    let vanished = profile.kernels(below: thresholds.vanishingDrop).first(where: small.contains)
    return Anomaly(
      rule: .vanishing, symptom: .smallWeights, weight: vanished ?? small[0],
      gain: gains[gains.count / 2], bound: bound)
  }

  /// A lookup's rows are not summed, so that it may begin with values of size 1, however many rows it has.
  private func tooLarge(_ thresholds: Thresholds) -> Anomaly? {
    let bound = thresholds.explodingWeights
    let large = kernels.first { $0.gain >= bound && $0.size >= thresholds.explodingWeightsSize }
    return large.map {
      Anomaly(
        rule: .exploding, symptom: .largeWeights, weight: $0.weight, gain: $0.gain, bound: bound)
    }
  }

  /// Under large weights the loss began too high, so that it has to be low as well.
  private func isOver(
    _ found: Anomaly, _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds
  ) -> Bool {
    trend.hasLearned(thresholds)
      && (found.rule == .vanishing || !network.isGuessing(trend.loss, thresholds))
  }

  /// Whether the training has had time to begin, or shows already what small weights lead to. What large ones lead to is
  /// told by other rules, if it is.
  private func isToBlame(
    _ found: Anomaly, _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds,
    _ log: FindingLog
  ) -> Bool {
    if found.rule == .vanishing {
      if log.hasCritical(where: { $0.rule == .vanishing || $0.rule == .dead }) { return true }
    } else if log.hasCritical(where: { $0.symptom != found.symptom }) {
      return false
    }
    guard !trend.knowsLoss else { return Double(trend.lossCount) >= thresholds.stagnationBatches }
    let ratio = max(found.bound / found.gain, found.gain / found.bound)
    return ratio > Self.certainty && Double(network.index) > thresholds.stagnationBatches
  }
}
