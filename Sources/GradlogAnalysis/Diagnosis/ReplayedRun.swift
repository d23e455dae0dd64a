internal import Gradlog

/// One run, or one rank of it, while its detectors are fed.
struct ReplayedRun {
  let runID: Int64
  let name: String
  let rank: Int
  private(set) var batchCount = 0
  /// The largest step so far.
  private(set) var lastStep = 0
  private var detectors: Detectors
  /// The numbers of optimizers in the file, which other runs share, by those in this run.
  private var optimizers: [Int: Int] = [:]

  /// `weights` in the order of their positions: a gradient names its weight by its place among them.
  init(
    runID: Int64, name: String, rank: Int, weights: some Collection<SeriesIndex.Weight>,
    thresholds: Thresholds
  ) {
    (self.runID, self.name, self.rank) = (runID, name, rank)
    detectors = Detectors(thresholds: thresholds)
    for weight in weights { _ = detectors.register(ObservedWeight(weight)) }
  }

  var findings: [Finding] { detectors.findings }

  mutating func observe(_ batch: SeriesIndex.Batch, _ gradients: [ObservedGradient]) {
    batchCount += 1
    var observed = ObservedBatch(batch)
    lastStep = max(lastStep, observed.place.step)
    observed.optimizer = optimizers[batch.optimizer] ?? optimizers.count
    optimizers[batch.optimizer] = observed.optimizer
    detectors.observe(observed, gradients)
  }
}

extension ObservedWeight {
  /// The weight as a file describes it; what a file cannot mean is a scalar.
  fileprivate init(_ weight: SeriesIndex.Weight) {
    let shape = Recording.dimensions(weight.shape.text) ?? []
    let isPossible = (try? TensorView.elementCount(of: shape)).map { $0 <= Bounds.count } ?? false
    self.init(
      position: Bounds.bounded(weight.position), shape: isPossible ? shape : [],
      dtype: weight.dtype.text.flatMap(DType.init(rawValue:)))
    isFrozen = weight.isFrozen
  }
}

extension ObservedBatch {
  fileprivate init(_ batch: SeriesIndex.Batch) {
    self.init(
      place: BatchPlace(
        batchID: batch.batchID, epoch: Bounds.bounded(batch.epoch),
        batch: Bounds.bounded(batch.batch), step: Bounds.bounded(batch.step),
        learningRate: batch.learningRate),
      optimizer: batch.optimizer, loss: batch.lossIsNaN ? .nan : batch.loss,
      lossScale: batch.lossScale)
  }
}

/// What numbers a file may give to the detectors, which add and subtract them.
enum Bounds {
  /// More than any training counts, and so little that a few of them can be added.
  static let count = 1 << 40

  static func bounded(_ number: Int64) -> Int { min(max(Int(number), 0), count) }
}
