/// Rule ``Rule/nonFinite``: any NaN, +∞ or −∞ among the elements of a gradient, or in the loss
/// (SageMaker Debugger's ExplodingTensor, Megatron-LM, tfdbg).
///
/// Under automatic mixed precision an overflow now and then is how the loss scale is found, and the step is skipped:
/// there it is trouble only when it goes on.
struct NonFiniteDetector: Sendable {
  private var streak = 0

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    let lossIsFinite = network.batch.loss?.isFinite ?? true
    guard network.nonFiniteCount > 0 || !lossIsFinite else {
      streak = 0
      return
    }
    streak += 1
    let isSkipped =
      network.batch.lossScale != nil && Double(streak) < thresholds.nonFiniteScaledPatience
    let severity: Rule.Severity = isSkipped ? .info : .critical
    for gradient in gradients where gradient.nonFiniteCount > 0 {
      log.note(
        Hit(
          rule: .nonFinite, severity: severity, weight: gradient.weight,
          value: Double(gradient.nonFiniteCount), threshold: 0,
          symptom: .nonFinite(
            nan: gradient.nanCount, posinf: gradient.posinfCount, neginf: gradient.neginfCount)),
        at: network.place)
    }
    if network.nonFiniteCount == 0 {
      log.note(
        Hit(
          rule: .nonFinite, severity: severity, value: 1, threshold: 0, symptom: .nonFiniteLoss),
        at: network.place)
    }
  }
}
