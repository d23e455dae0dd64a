internal import Glibc

/// Rule ``Rule/vanishing``: the gradients shrink by decades from the loss towards the input, or are below
/// what any optimizer notices throughout the network while the loss is not small.
///
/// The depth profile is the root mean square of the non-zero elements of each kernel (tensor of two
/// dimensions or more; AutoTrainer compares the same tensors), so that neither a layer's size nor the rows that a
/// batch does not touch count, and its decimal logarithm is smoothed over batches, so that one odd batch does not.
struct VanishingDetector: Sendable {
  /// Smoothed log₁₀ of the root mean square, by weight; NaN before the first.
  private var levels: [Double] = []
  /// Batches that each weight's level comes from.
  private var counts: [Int] = []
  /// The kernels of a batch from the input on, kept for their memory.
  private var kernels: [Int] = []
  private var depthStreak = Streak()
  private var tinyStreak = Streak()

  private static let smoothing = 0.1

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    update(gradients, weights)
    judgeDepth(network, weights, trend, thresholds, &log)
    judgeSize(network, gradients, weights, trend, thresholds, &log)
  }

  private mutating func update(_ gradients: [ObservedGradient], _ weights: [ObservedWeight]) {
    kernels.removeAll(keepingCapacity: true)
    for gradient in gradients {
      let weight = weights[gradient.weight]
      let alive = weight.elementCount - gradient.zeroCount
      guard weight.isKernel, gradient.norm > 0, alive > 0 else { continue }
      while levels.count <= gradient.weight {
        levels.append(.nan)
        counts.append(0)
      }
      kernels.append(gradient.weight)
      let size = log10(gradient.norm) - 0.5 * log10(Double(alive))
      let rate = max(Self.smoothing, 1 / Double(counts[gradient.weight] + 1))
      counts[gradient.weight] += 1
      levels[gradient.weight] =
        levels[gradient.weight].isNaN
        ? size : levels[gradient.weight] + rate * (size - levels[gradient.weight])
    }
  }

  /// Decades from the deepest third of the kernels down to the first third.
  private mutating func judgeDepth(
    _ network: NetworkBatch, _ weights: [ObservedWeight], _ trend: Trend, _ thresholds: Thresholds,
    _ log: inout FindingLog
  ) {
    guard kernels.count >= 3 else { return }
    kernels.sort { weights[$0].position < weights[$1].position }
    let third = max(1, kernels.count / 3)
    let shallow = median(kernels.prefix(third))
    let deep = median(kernels.suffix(third))
    let drop = deep - shallow
    let isLow = drop >= thresholds.vanishingDrop && shallow < log10(thresholds.vanishingSize)
    guard depthStreak.observe(isLow, at: network.place), let since = depthStreak.start,
      Double(depthStreak.length) >= thresholds.vanishingPatience
    else {
      if depthStreak.length == 0 { log.end(.vanishing, weight: depthStreak.weight) }
      return
    }
    let first = depthStreak.weight ?? firstVanished(below: deep, thresholds)
    depthStreak.weight = first
    let isCritical =
      drop >= thresholds.vanishingCriticalDrop
      || trend.knowsLoss && trend.fall < thresholds.vanishingFall
    log.note(
      Hit(
        rule: .vanishing, severity: isCritical ? .critical : .warning, weight: first, since: since,
        value: decades(shallow), baseline: decades(deep), threshold: decades(-thresholds.vanishingDrop),
        symptom: .depth), at: network.place)
  }

  /// The kernel nearest to the input that has vanished.
  private func firstVanished(below deep: Double, _ thresholds: Thresholds) -> Int? {
    kernels.first { deep - levels[$0] >= thresholds.vanishingDrop }
      ?? kernels.min { levels[$0] < levels[$1] }
  }

  private func median(_ weights: ArraySlice<Int>) -> Double {
    let sorted = weights.map { levels[$0] }.sorted()
    return sorted[sorted.count / 2]
  }

  /// Every kernel is below what the optimizer notices.
  private mutating func judgeSize(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    let largest = kernels.map { levels[$0] }.max() ?? .nan
    let hasLearned = trend.knowsLoss && trend.fall > 0.5
    let isTiny = largest < log10(thresholds.vanishingTiny) && !hasLearned
    guard tinyStreak.observe(isTiny, at: network.place), let since = tinyStreak.start,
      Double(tinyStreak.length) >= thresholds.vanishingPatience
    else { return }
    log.note(
      Hit(
        rule: .vanishing, severity: .critical, weight: kernels.first, since: since,
        value: decades(largest), threshold: thresholds.vanishingTiny, symptom: .tiny),
      at: network.place)
  }
}

/// Batches in a row in which something holds.
struct Streak: Sendable {
  private(set) var length = 0
  /// The first of them.
  private(set) var start: BatchPlace?
  /// What it is about, once that is known.
  var weight: Int?

  /// Returns `holds`.
  mutating func observe(_ holds: Bool, at place: BatchPlace) -> Bool {
    if holds {
      if length == 0 { start = place }
      length += 1
    } else {
      length = 0
    }
    return holds
  }
}

/// 10 to the power of `exponent`.
private func decades(_ exponent: Double) -> Double { pow(10, exponent) }
