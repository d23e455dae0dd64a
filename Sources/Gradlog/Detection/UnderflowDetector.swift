/// Rule ``Rule/underflow``: gradients so small that a 16-bit type keeps few of them. They are zeros and multiples of the
/// smallest subnormal then (float16: 2⁻²⁴), which the mean magnitude of what is left shows, whatever type the
/// gradient is handed over in (TransformerEngine reports the share of underflows).
struct UnderflowDetector: Sendable {
  private var streaks: [Streak] = []

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.nonFiniteCount == 0 else { return }
    for gradient in gradients {
      let weight = weights[gradient.weight]
      guard weight.isKernel, !gradient.isAbsent else { continue }
      while streaks.count <= gradient.weight { streaks.append(Streak()) }
      let share = Double(gradient.zeroCount) / Double(max(1, weight.elementCount))
      let isLost = share >= thresholds.underflowShare && Self.isSubnormal(gradient, weight)
      guard streaks[gradient.weight].observe(isLost, at: network.place),
        Double(streaks[gradient.weight].length) >= thresholds.underflowPatience
      else { continue }
      log.note(
        Hit(
          rule: .underflow, severity: .critical, weight: gradient.weight,
          since: streaks[gradient.weight].start, value: gradient.meanAbsNonZero, baseline: share,
          threshold: 0x1p-19, symptom: .underflow), at: network.place)
    }
  }

  /// Whether what is not zero is within a few steps of the smallest float16.
  private static func isSubnormal(_ gradient: ObservedGradient, _ weight: ObservedWeight) -> Bool {
    if weight.dtype == .float16, gradient.meanAbsNonZero.isNaN { return true }
    return gradient.meanAbsNonZero >= 0x1p-25 && gradient.meanAbsNonZero < 0x1p-19
  }
}
