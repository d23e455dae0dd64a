/// A weight of a run that is replayed.
package struct ReplayedWeight: Sendable {
  package let weightID: Int64
  package let name: String
  /// As the detectors know it when it has a gradient; what a file cannot mean is a scalar.
  package let observed: ObservedWeight

  /// The current row of `weight_id, run_id, name, position, shape, dtype, frozen, initial_norm`.
  init(_ row: PreparedStatement, isFrozen: Bool) {
    weightID = row.integer(at: 0)
    name = row.text(at: 2) ?? ""
    let shape = StoredShape.dimensions(row.text(at: 4)) ?? []
    let isPossible = (try? TensorView.elementCount(of: shape)).map { $0 <= Bounds.count } ?? false
    observed = ObservedWeight(
      position: Bounds.bounded(row.integer(at: 3)), shape: isPossible ? shape : [],
      dtype: row.text(at: 5).flatMap(DType.init(rawValue:)), isFrozen: isFrozen,
      initialNorm: InitialNorms.checked(row.real(at: 7)))
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
  private(set) var labels = OptimizerLabels()
  /// Whether each weight is frozen, as the file tells so far.
  private var isFrozen: [Bool]
  /// Whether any ever was.
  private var hasFrozen: Bool
  /// Weights of which the detectors have seen no gradient yet, though there is one in the file.
  private var unseenCount: Int

  init(
    runID: Int64, name: String, rank: Int, weights: [ReplayedWeight], thresholds: Thresholds
  ) {
    (self.runID, self.name, self.rank, self.weights) = (runID, name, rank, weights)
    isFrozen = weights.map(\.observed.isFrozen)
    hasFrozen = isFrozen.contains(true)
    detectors = Detectors(thresholds: thresholds)
    unseenCount = weights.count { $0.observed.dtype != nil }
    for weight in weights {
      _ = detectors.register(ObservedWeight(position: weight.observed.position))
    }
  }

  package var findings: [Finding] { detectors.findings }
  /// The labels of the optimizers, by the numbers that findings have.
  package var optimizers: [String] { labels.all }

  /// Takes what the training says of a weight from the next batch on.
  mutating func tell(_ isFrozen: Bool, ofWeight weight: Int) {
    self.isFrozen[weight] = isFrozen
    hasFrozen = true
  }

  mutating func observe(
    _ batch: StoredBatch, optimizer label: UnsafeRawBufferPointer, _ gradients: [ObservedGradient]
  ) {
    batchCount += 1
    var observed = batch.observed
    lastStep = max(lastStep, observed.place.step)
    observed.optimizer = labels.number(of: label)
    if hasFrozen || unseenCount > 0 { introduce(gradients) }
    detectors.observe(observed, gradients)
  }

  /// Tells the detectors of the weights of a batch what the training did: the shape of one that has a gradient for the
  /// first time, and whether it is frozen. Where the file does not tell when, it was not while it had gradients.
  private mutating func introduce(_ gradients: [ObservedGradient]) {
    for gradient in gradients {
      var weight = weights[gradient.weight].observed
      weight.isFrozen = isFrozen[gradient.weight] && gradient.isAbsent
      let isFirst = detectors.weights[gradient.weight].dtype == nil && !gradient.isAbsent
      if isFirst, weight.dtype != nil { unseenCount -= 1 }
      detectors.update(weight, at: gradient.weight, isAbsent: gradient.isAbsent)
    }
  }
}
