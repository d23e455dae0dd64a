/// Rule ``Rule/absent``: a weight that never receives a gradient, or no longer does.
struct AbsenceDetector: Sendable {
  private var streaks: [Streak] = []
  /// Batches in which each weight had a gradient.
  private var counts: [Int] = []

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    for gradient in gradients {
      while streaks.count <= gradient.weight {
        streaks.append(Streak())
        counts.append(0)
      }
      if !gradient.isAbsent { counts[gradient.weight] += 1 }
      guard streaks[gradient.weight].observe(gradient.isAbsent, at: network.place),
        Double(streaks[gradient.weight].length) >= thresholds.absentPatience
      else { continue }
      let isLost = counts[gradient.weight] > 0
      log.note(
        Hit(
          rule: .absent, severity: isLost ? .critical : .warning, weight: gradient.weight,
          since: streaks[gradient.weight].start,
          value: Double(streaks[gradient.weight].length), threshold: thresholds.absentPatience,
          symptom: isLost ? .noLonger : .never), at: network.place)
    }
  }
}
