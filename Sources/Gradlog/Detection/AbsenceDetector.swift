/// Rule ``Rule/absent``: a weight that never receives a gradient, or no longer does.
///
/// It is critical when the weights nearest to the input are among them, and they are a large part of the network,
/// unless the loss falls all the same: so it is when a tensor was detached or a layer was frozen by mistake, while an
/// unused branch or a frozen embedding is often meant.
struct AbsenceDetector: Sendable {
  private var streaks: [Streak] = []
  /// Batches in which each weight had a gradient.
  private var counts: [Int] = []

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    var lost = 0
    for gradient in gradients {
      while streaks.count <= gradient.weight {
        streaks.append(Streak())
        counts.append(0)
      }
      if !gradient.isAbsent { counts[gradient.weight] += 1 }
      _ = streaks[gradient.weight].observe(gradient.isAbsent, at: network.place)
      if isLasting(gradient.weight, thresholds) { lost += 1 }
    }
    guard lost > 0 else { return }
    let share = Double(lost) / Double(gradients.count)
    let beginsAtInput = gradients.first { $0.isAbsent || weights[$0.weight].isKernel }?.isAbsent ?? false
    let isHarmless = trend.hasLearned(thresholds)
    let isCritical = beginsAtInput && share >= thresholds.absentShare && !isHarmless
    for gradient in gradients where isLasting(gradient.weight, thresholds) {
      note(gradient.weight, share, isCritical ? .critical : .warning, network, thresholds, &log)
    }
  }

  private func isLasting(_ weight: Int, _ thresholds: Thresholds) -> Bool {
    Double(streaks[weight].length) >= thresholds.absentPatience
  }

  private func note(
    _ weight: Int, _ share: Double, _ severity: Rule.Severity, _ network: NetworkBatch,
    _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    log.note(
      Hit(
        rule: .absent, severity: severity, weight: weight, since: streaks[weight].start,
        value: share, threshold: thresholds.absentShare,
        symptom: counts[weight] > 0 ? .noLonger : .never, isRevised: true), at: network.place)
  }
}
