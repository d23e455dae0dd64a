internal import Glibc

/// Rule ``Rule/accumulating``: each gradient contains the one before, as it does when nothing zeroes them between steps.
///
/// What a batch adds is then g(t) − g(t−1), a gradient of its own, which varies from batch to batch as gradients do, while
/// their sum hardly turns (a large cosine) and hardly changes its length, or grows though what is added does not. In a
/// healthy run both vary alike: gradients that all but repeat change little and smoothly.
struct AccumulationDetector: Sendable {
  private var recent: [Sample] = []
  private var streak = Streak()
  private var firstSums = FirstSums()
  /// Since when each gradient may contain the one before.
  private var start: BatchPlace?

  private struct Sample {
    /// ln ‖g(t)‖.
    let size: Double
    /// ln ‖g(t) − g(t−1)‖.
    let change: Double
    let cosine: Double
  }

  private static let window = 16

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    firstSums.observe(network, thresholds)
    guard network.nonFiniteCount == 0, network.cosine.isFinite, network.change > 0 else { return }
    if isFresh(network) { start = nil } else if start == nil { start = network.place }
    if recent.count == Self.window { recent.removeFirst() }
    recent.append(
      Sample(
        size: Glibc.log(network.norm), change: Glibc.log(network.change), cosine: network.cosine))
    guard recent.count == Self.window else { return }
    // A sum of gradients is longer than the first one, and not of the very length to which they are clipped.
    let isSum =
      network.norm >= thresholds.accumulatingSum * network.firstNorm && !isClipped
    let isRefuted = firstSums.turnedAway && start.map { $0.ordinal <= 2 } ?? false
    let looksSo = isSum && !leaps && !isRefuted && (sumsUp(thresholds) || growsAlone(thresholds))
    let isSure =
      streak.observe(looksSo, at: network.place)
      && Double(streak.length) >= thresholds.accumulatingPatience
    guard isSure || (firstSums.start != nil && !leaps) else { return }
    log.note(
      Hit(
        rule: .accumulating, severity: trend.hasLearned(thresholds) ? .warning : .critical,
        since: firstSums.start ?? start, value: network.norm,
        baseline: network.firstNorm, threshold: thresholds.accumulatingSum * network.firstNorm,
        symptom: .accumulating, isRevised: true), at: network.place)
  }

  /// Whether the gradient cannot contain the one before: it is much smaller, or no larger and points elsewhere.
  private func isFresh(_ network: NetworkBatch) -> Bool {
    network.norm < 0.6 * network.previousNorm
      || (network.cosine < 0.4 && network.norm < 1.5 * network.previousNorm)
  }

  /// What is added varies widely, the sum does not.
  private func sumsUp(_ thresholds: Thresholds) -> Bool {
    let change = meanStep { $0.change }
    return change >= thresholds.accumulatingVariation
      && meanStep { $0.size } <= thresholds.accumulatingCalm * change
      && medianCosine >= thresholds.accumulatingCosine
      && recent.contains { $0.change - $0.size >= Glibc.log(thresholds.accumulatingLeast) }
  }

  /// The sum grows, what is added does not.
  private func growsAlone(_ thresholds: Thresholds) -> Bool {
    let half = Self.window / 2
    func growth(_ value: (Sample) -> Double) -> Double {
      let sum = recent.suffix(half).reduce(0) { $0 + value($1) }
      return (sum - recent.prefix(half).reduce(0) { $0 + value($1) }) / Double(half)
    }
    let size = growth { $0.size }
    return size >= Glibc.log(thresholds.accumulatingGrowth)
      && growth { $0.change } <= thresholds.accumulatingShare * size
      && medianCosine >= thresholds.accumulatingGrowthCosine
  }

  /// Whether several gradients of the window are equally long, and none is longer.
  private var isClipped: Bool {
    let longest = recent.reduce(-.infinity) { max($0, $1.size) }
    return recent.count { $0.size > longest - 1e-4 } >= 4
  }

  /// Whether a gradient of the window is many times as long as the one before: one more summand does not do that.
  private var leaps: Bool {
    zip(recent, recent.dropFirst()).contains { $1.size - $0.size > Glibc.log(4) }
  }

  private func meanStep(_ value: (Sample) -> Double) -> Double {
    zip(recent, recent.dropFirst())
      .reduce(0) { $0 + abs(value($1.1) - value($1.0)) } / Double(Self.window - 1)
  }

  private var medianCosine: Double {
    recent.map(\.cosine).sorted()[Self.window / 2]
  }
}
