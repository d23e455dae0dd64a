/// Rule ``Rule/underflow``: gradients so small that a 16-bit type keeps few of them.
///
/// What was computed in float16 consists of zeros and of multiples of the smallest subnormal, 2⁻²⁴, whatever type it is
/// handed over in. So many zeros in a kernel, the others close to 2⁻²⁴, and nothing below it in the whole network
/// is what underflow looks like (TransformerEngine reports the share of underflows of the tensors that it casts
/// itself). When nothing is left, the loss tells: so small a loss has no gradient in float16.
struct UnderflowDetector: Sendable {
  private var streaks: [Streak] = []
  private var silence = Streak()

  /// The smallest positive float16.
  private static let quantum = 0x1p-24

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    let severity: Rule.Severity = trend.hasLearned(thresholds) ? .warning : .critical
    let loss = abs(network.batch.loss ?? .infinity)
    // A loss that has been multiplied by next to nothing: its gradients are all small, and normalization layers may have
    // theirs in float32.
    let isFaint = loss > 0 && loss < thresholds.underflowLoss
    let isCoarse = gradients.allSatisfy {
      !($0.meanAbsNonZero < Self.quantum) || (isFaint && !weights[$0.weight].isKernel)
    }
    let bound = (isFaint ? 10 : 1) * thresholds.underflowQuanta * Self.quantum
    func isTiny(_ gradient: ObservedGradient) -> Bool {
      gradient.meanAbsNonZero < bound
    }
    let hasTiny = isCoarse && gradients.contains(where: isTiny)
    for gradient in gradients where weights[gradient.weight].isKernel && !gradient.isAbsent {
      while streaks.count <= gradient.weight { streaks.append(Streak()) }
      let share =
        Double(gradient.zeroCount) / Double(max(1, weights[gradient.weight].elementCount))
      let isLost =
        isCoarse && share >= thresholds.underflowShare
        && (isTiny(gradient) || (share == 1 && hasTiny))
      guard streaks[gradient.weight].observe(isLost, at: network.place),
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
