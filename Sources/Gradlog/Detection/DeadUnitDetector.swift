/// Rule ``Rule/dead``: units whose gradient is exactly zero in every batch for a while.
///
/// A unit that gives out nothing (a ReLU that is never positive) gets a gradient of exactly zero in its bias and
/// in all weights that lead to it. The share of zeros in the bias therefore counts dead units; a network without
/// biases or scales has dead layers only, kernels that are zero throughout. Counted is the least share of the last
/// batches, so that units which merely rest in one of them are not dead. Rows of embeddings and inputs that are always
/// zero are not looked at. (SageMaker Debugger's DeadRelu looks at activations; AutoTrainer at the share of
/// zeros over all gradients.)
struct DeadUnitDetector: Sendable {
  /// By weight.
  private var shares: [ZeroShare] = []

  /// The least share of zeros over this block of batches and the one before.
  private struct ZeroShare {
    var block = 1.0
    var last = -1.0
    var length = 0
    var start: BatchPlace?
    /// Whether there is a finding about it.
    var isReported = false

    var persistent: Double { min(block, last) }

    mutating func add(_ share: Double, bound: Double, at place: BatchPlace) {
      if share < bound { start = nil } else if start == nil { start = place }
      block = min(block, share)
      length += 1
      if length == DeadUnitDetector.blockLength {
        (last, block, length) = (block, 1, 0)
      }
    }
  }

  fileprivate static let blockLength = 16

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    let hasBiases = gradients.contains { weights[$0.weight].rank == 1 && !$0.isAbsent }
    let cut = positionOfCut(gradients, weights)
    let isHarmless = trend.hasLearned(thresholds.deadLearnedShare)
    for gradient in gradients where !gradient.isAbsent {
      let weight = weights[gradient.weight]
      guard weight.elementCount > 0 else { continue }
      while shares.count <= gradient.weight { shares.append(ZeroShare()) }
      shares[gradient.weight].add(
        Self.share(gradient, weight, hasBiases), bound: thresholds.deadShare, at: network.place)
      let share = shares[gradient.weight].persistent
      guard share >= thresholds.deadShare, network.batch.loss != 0 else {
        if shares[gradient.weight].isReported { log.end(.dead, weight: gradient.weight) }
        continue
      }
      shares[gradient.weight].isReported = true
      let isCut = share >= 1 && weight.position <= cut
      let isCritical = share >= thresholds.deadCriticalShare && (isCut || !isHarmless)
      note(
        share, gradient.weight, isCritical ? .critical : .warning, network, thresholds, &log)
    }
  }

  /// Up to which position no gradient arrives: a dead layer that nothing leads around takes it from all before it. -1 when
  /// the first weight has one.
  private func positionOfCut(_ gradients: [ObservedGradient], _ weights: [ObservedWeight]) -> Int {
    var cut = -1
    for gradient in gradients {
      let weight = weights[gradient.weight]
      guard gradient.isAbsent || gradient.zeroCount == weight.elementCount else { break }
      cut = weight.position
    }
    return cut
  }

  /// The share of zeros in a vector. Of a kernel it would count inputs as well as units, so only one that is zero
  /// throughout tells anything, and nothing that the vectors do not tell better.
  private static func share(
    _ gradient: ObservedGradient, _ weight: ObservedWeight, _ hasBiases: Bool
  ) -> Double {
    let isZero = gradient.zeroCount == weight.elementCount
    guard weight.rank == 1 || (isZero && !hasBiases) else { return 0 }
    return Double(gradient.zeroCount) / Double(weight.elementCount)
  }

  private func note(
    _ share: Double, _ weight: Int, _ severity: Rule.Severity, _ network: NetworkBatch,
    _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    log.note(
      Hit(
        rule: .dead, severity: severity, weight: weight, since: shares[weight].start, value: share,
        threshold: thresholds.deadShare, symptom: share >= 1 ? .allZero : .deadUnits,
        isRevised: true), at: network.place)
  }
}
