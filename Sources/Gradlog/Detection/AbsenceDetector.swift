/// Rule ``Rule/absent``: a weight that never receives a gradient, or no longer does.
///
/// It is critical when such weights are most of the network, or a large part with the kernel nearest to the input,
/// unless the loss falls all the same: so it is when a tensor was detached, while an unused branch often is meant. A weight
/// that the training holds fixed is mere information, unless the loss stays where it was.
struct AbsenceDetector: Sendable {
  private var streaks: [Streak] = []
  /// Batches in which each weight had a gradient.
  private var counts: [Int] = []

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    var absentCount = 0
    for gradient in gradients {
      while streaks.count <= gradient.weight {
        streaks.append(Streak())
        counts.append(0)
      }
      if !gradient.isAbsent { counts[gradient.weight] += 1 }
      let wasLasting = isLasting(gradient.weight, thresholds)
      streaks[gradient.weight].observe(gradient.isAbsent, at: network.place)
      if isLasting(gradient.weight, thresholds) {
        absentCount += 1
      } else if wasLasting {
        log.end(.absent, weight: gradient.weight)
      }
    }
    guard absentCount > 0 else { return }
    let all = size(of: gradients, weights, thresholds) { _ in true }
    // What is held fixed on purpose tells nothing of the rest.
    let trained = size(of: gradients, weights, thresholds) { !weights[$0.weight].isFrozen }
    for gradient in gradients where isLasting(gradient.weight, thresholds) {
      let isHeld = weights[gradient.weight].isFrozen
      let (share, isLarge) = isHeld ? all : trained
      let isHarmful =
        isHeld
        ? hasStopped(gradient.weight, share, trend, thresholds)
          || network.isStuck(trend, thresholds)
        : !trend.hasLearned(thresholds)
      let severity: Rule.Severity = isLarge && isHarmful ? .critical : isHeld ? .info : .warning
      note(gradient.weight, isHeld, severity, network, thresholds, &log)
    }
  }

  /// Which share of some weights has no gradient, and whether that is critical: large from the input on, or most of them.
  private func size(
    of gradients: [ObservedGradient], _ weights: [ObservedWeight], _ thresholds: Thresholds,
    _ isCounted: (ObservedGradient) -> Bool
  ) -> (share: Double, isLarge: Bool) {
    var (count, absentCount) = (0, 0)
    var beginsAtInput: Bool?
    for gradient in gradients where isCounted(gradient) {
      count += 1
      if isLasting(gradient.weight, thresholds) { absentCount += 1 }
      // Of a weight that never had a gradient the shape is not known.
      let weight = weights[gradient.weight]
      if beginsAtInput == nil, weight.isKernel || (gradient.isAbsent && weight.dtype == nil) {
        beginsAtInput = gradient.isAbsent
      }
    }
    let share = Double(absentCount) / Double(max(1, count))
    return (
      share, share >= (beginsAtInput ?? false ? thresholds.absentShare : thresholds.absentMostShare)
    )
  }

  /// Whether most of a network that was trained is held fixed from some batch on, before it has learned.
  private func hasStopped(
    _ weight: Int, _ share: Double, _ trend: Trend, _ thresholds: Thresholds
  ) -> Bool {
    counts[weight] > 0 && share >= thresholds.absentHeldShare && !trend.hasLearned(thresholds)
  }

  private func isLasting(_ weight: Int, _ thresholds: Thresholds) -> Bool {
    Double(streaks[weight].length) >= thresholds.absentPatience
  }

  private func note(
    _ weight: Int, _ isHeld: Bool, _ severity: Rule.Severity,
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    log.note(
      Hit(
        rule: .absent, severity: severity, weight: weight, since: streaks[weight].start,
        value: Double(streaks[weight].length), threshold: thresholds.absentPatience,
        symptom: isHeld ? .held : counts[weight] > 0 ? .noLonger : .never, isRevised: true),
      at: network.place)
  }
}
