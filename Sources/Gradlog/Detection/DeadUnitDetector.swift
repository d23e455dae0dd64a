/// Rule ``Rule/dead``: units whose gradient is exactly zero in every batch for a while.
///
/// A unit that gives out nothing (a ReLU that is never positive) gets a gradient of exactly zero in its bias, in all
/// weights that lead to it and in all that lead on from it. Dead units are therefore zeros of the bias together with slices
/// of the kernel before it, or, without biases, slices of two kernels in a row. Counted is the least share of the last
/// batches, so that units which merely rest in one of them are not dead. Rows of embeddings and inputs that are always
/// zero are slices of one kernel only. (SageMaker Debugger's DeadRelu looks at activations; AutoTrainer at the share of
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
    let cut = positionOfCut(gradients, weights)
    let isHarmless = trend.hasLearned(thresholds.deadLearnedShare)
    for (index, gradient) in gradients.enumerated() where !gradient.isAbsent {
      let weight = weights[gradient.weight]
      guard weight.elementCount > 0 else { continue }
      while shares.count <= gradient.weight { shares.append(ZeroShare()) }
      shares[gradient.weight].add(
        Self.share(at: index, gradients, weights), bound: thresholds.deadShare, at: network.place)
      let share = shares[gradient.weight].persistent
      guard share >= thresholds.deadShare, network.batch.loss != 0 else {
        if shares[gradient.weight].isReported { log.end(.dead, weight: gradient.weight) }
        continue
      }
      shares[gradient.weight].isReported = true
      let isCut = share >= 1 && weight.position <= cut
      let severity: Rule.Severity =
        share < thresholds.deadCriticalShare ? .info : isCut || !isHarmless ? .critical : .warning
      note(share, gradient.weight, severity, network, thresholds, &log)
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

  /// The share of a layer's units whose gradient is zero.
  ///
  /// A vector has an element for each unit. A unit that is dead takes its slice of the layer's kernel with it, the one before:
  /// a vector that is zero while the kernel is not, such as a bias that cancels out, has no dead units. Without vectors
  /// the kernels of two layers tell together: a unit that is dead is a slice of zeros in both.
  private static func share(
    at index: Int, _ gradients: [ObservedGradient], _ weights: [ObservedWeight]
  ) -> Double {
    let gradient = gradients[index]
    let weight = weights[gradient.weight]
    let share = Double(gradient.zeroCount) / Double(weight.elementCount)
    if weight.rank == 1 {
      guard share > 0, let kernel = kernel(before: index, gradients, weights) else { return share }
      return min(share, zeroSlices(of: kernel, weights, units: weight.elementCount) ?? share)
    }
    guard weight.isKernel else { return 0 }
    if share == 1, !gradients.contains(where: { weights[$0.weight].rank == 1 }) { return 1 }
    guard index + 1 < gradients.count else { return 0 }
    let next = gradients[index + 1]
    guard weights[next.weight].isKernel, !next.isAbsent else { return 0 }
    return max(
      linked(
        gradient.zeroRows, of: weight.rows, next.zeroColumns, of: weights[next.weight].columns),
      linked(gradient.zeroColumns, of: weight.columns, next.zeroRows, of: weights[next.weight].rows)
    )
  }

  /// The gradient of the nearest kernel before that at `index`, with vectors only between them.
  private static func kernel(
    before index: Int, _ gradients: [ObservedGradient], _ weights: [ObservedWeight]
  ) -> ObservedGradient? {
    gradients[..<index].last { weights[$0.weight].isKernel }.flatMap { $0.isAbsent ? nil : $0 }
  }

  /// The share of a kernel's slices along the dimension that has one for each unit that are zero; nil when none has.
  private static func zeroSlices(
    of kernel: ObservedGradient, _ weights: [ObservedWeight], units: Int
  ) -> Double? {
    let weight = weights[kernel.weight]
    guard let rows = kernel.zeroRows, let columns = kernel.zeroColumns else { return nil }
    let slices = [(rows, weight.rows), (columns, weight.columns)].filter { $0.1 == units }
    return slices.map { Double($0.0) / Double(units) }.max()
  }

  /// The share of units that are slices of zeros in the kernel that leads to them and in the one that leads on.
  private static func linked(_ zeros: Int?, of units: Int, _ nextZeros: Int?, of nextUnits: Int)
    -> Double
  {
    guard let zeros, let nextZeros, units == nextUnits, units > 0 else { return 0 }
    return Double(min(zeros, nextZeros)) / Double(units)
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
