/// A weight of a run that is replayed.
package struct ReplayedWeight: Sendable {
  package let weightID: Int64
  package let name: String
  /// As the detectors know it; what a file cannot mean is a scalar.
  package let observed: ObservedWeight

  /// The current row of `weight_id, run_id, name, position, shape, dtype, frozen`.
  init(_ row: PreparedStatement) {
    weightID = row.integer(at: 0)
    name = row.text(at: 2) ?? ""
    let shape = StoredShape.dimensions(row.text(at: 4)) ?? []
    let isPossible = (try? TensorView.elementCount(of: shape)).map { $0 <= Bounds.count } ?? false
    observed = ObservedWeight(
      position: Bounds.bounded(row.integer(at: 3)), shape: isPossible ? shape : [],
      dtype: row.text(at: 5).flatMap(DType.init(rawValue:)), isFrozen: row.integer(at: 6) != 0)
  }
}

/// One run, or one rank of it, while its detectors are fed.
package struct ReplayedRun: Sendable {
  package let runID: Int64
  package let name: String
  package let rank: Int
  /// In the order of their positions: a gradient names its weight by its place among them.
  package let weights: [ReplayedWeight]
  package private(set) var batchCount = 0
  /// The largest step so far.
  package private(set) var lastStep = 0
  /// What was fed.
  private(set) var detectors: Detectors
  /// Numbers of the optimizers' labels, in the order in which they came up.
  private(set) var optimizers: [String: Int] = [:]
  /// The one that came up last, since few batches change it.
  private var lastOptimizer: (label: String, number: Int)?
  private let hasFrozen: Bool

  init(
    runID: Int64, name: String, rank: Int, weights: [ReplayedWeight], thresholds: Thresholds
  ) {
    (self.runID, self.name, self.rank, self.weights) = (runID, name, rank, weights)
    hasFrozen = weights.contains(where: \.observed.isFrozen)
    detectors = Detectors(thresholds: thresholds)
    for weight in weights { _ = detectors.register(weight.observed) }
  }

  package var findings: [Finding] { detectors.findings }

  mutating func observe(
    _ batch: StoredBatch, optimizer label: UnsafeRawBufferPointer, _ gradients: [ObservedGradient]
  ) {
    batchCount += 1
    var observed = batch.observed
    lastStep = max(lastStep, observed.place.step)
    observed.optimizer = number(of: label)
    if hasFrozen { thaw(gradients) }
    detectors.observe(observed, gradients)
  }

  private mutating func number(of label: UnsafeRawBufferPointer) -> Int {
    if let last = lastOptimizer, last.label.utf8.elementsEqual(label) { return last.number }
    let label = String(decoding: label, as: UTF8.self)
    let number = optimizers[label] ?? optimizers.count
    optimizers[label] = number
    lastOptimizer = (label, number)
    return number
  }

  /// The file tells of a weight whether it was frozen at last. While it had gradients, it was not.
  private mutating func thaw(_ gradients: [ObservedGradient]) {
    for gradient in gradients where weights[gradient.weight].observed.isFrozen {
      var weight = detectors.weights[gradient.weight]
      guard weight.isFrozen != gradient.isAbsent else { continue }
      weight.isFrozen = gradient.isAbsent
      detectors.update(weight, at: gradient.weight)
    }
  }
}
