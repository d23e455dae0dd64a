/// Rule ``Rule/underflow``: gradients so small that a 16-bit type keeps few of them.
///
/// What was computed in float16 consists of zeros and of multiples of the smallest subnormal, 2⁻²⁴, whatever type it is
/// handed over in, and so their sum is a whole number of them: for numbers of float32 that is a rare chance. So many zeros in
/// a kernel, the others small multiples of 2⁻²⁴, is what underflow looks like, and in such a network kernels that are zero
/// throughout (TransformerEngine reports the share of underflows of the tensors that it casts itself). When nothing is left, the loss tells: so small a loss has no gradient in float16.
struct UnderflowDetector: Sendable {
  private var streaks: [Streak] = []
  private var silence = Streak()
  /// Batches in which a kernel consisted of small multiples of the quantum.
  private var evidence = 0

  private static let leastEvidence = 3

  /// The smallest positive float16.
  private static let quantum = 0x1p-24

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    let severity: Rule.Severity = trend.hasLearned(thresholds) ? .warning : .critical
    if gradients.contains(where: { isCoarse($0, weights[$0.weight], thresholds) }) {
      evidence += 1
    }
    for gradient in gradients where weights[gradient.weight].isKernel && !gradient.isAbsent {
      let weight = weights[gradient.weight]
      while streaks.count <= gradient.weight { streaks.append(Streak()) }
      let share = Self.lostShare(gradient, weight)
      let isLost =
        share >= thresholds.underflowShare
        && (share == 1 || isCoarse(gradient, weight, thresholds))
      guard streaks[gradient.weight].observe(isLost, at: network.place),
        evidence >= Self.leastEvidence,
        Double(streaks[gradient.weight].length) >= thresholds.underflowPatience
      else { continue }
      log.note(
        Hit(
          rule: .underflow, severity: severity, weight: gradient.weight,
          since: streaks[gradient.weight].start, value: share,
          threshold: thresholds.underflowShare, symptom: .underflow, isRevised: true
        ),
        at: network.place)
    }
    judgeSilence(network, gradients, thresholds, &log)
  }

  /// Whether a kernel consists of small multiples of the quantum, as their sum does then.
  private func isCoarse(
    _ gradient: ObservedGradient, _ weight: ObservedWeight, _ thresholds: Thresholds
  ) -> Bool {
    let mean = gradient.meanAbsNonZero / Self.quantum
    guard weight.isKernel, mean >= 1, mean < thresholds.underflowQuanta else { return false }
    let sum = mean * Double(weight.elementCount - gradient.zeroCount)
    return abs(sum - sum.rounded()) < 1e-4
  }

  /// The share of zeros, but for rows of an embedding that the batch does not touch.
  private static func lostShare(_ gradient: ObservedGradient, _ weight: ObservedWeight) -> Double {
    let count = Double(weight.elementCount)
    // A file may hold counts whose product no Int holds.
    let untouched =
      gradient.zeroColumns == 0
      ? Double(gradient.zeroRows ?? 0) * count / Double(max(1, weight.rows)) : 0
    return (Double(gradient.zeroCount) - untouched) / max(1, count - untouched)
  }

  /// Every gradient is zero, that of the last weight too, and the loss is not, but small, as far as it is known.
  private mutating func judgeSilence(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    let loss = abs(network.batch.loss ?? thresholds.underflowLoss / 2)
    let isSilent =
      network.norm == 0 && loss > 0 && loss < thresholds.underflowLoss
      && gradients.contains { !$0.isAbsent }
    guard silence.observe(isSilent, at: network.place),
      Double(silence.length) >= thresholds.underflowPatience, silence.start == network.start
    else { return }
    log.note(
      Hit(
        rule: .underflow, severity: .critical, weight: gradients.first?.weight,
        since: silence.start, value: network.batch.loss ?? 0, threshold: thresholds.underflowLoss,
        symptom: .silence),
      at: network.place)
  }
}
