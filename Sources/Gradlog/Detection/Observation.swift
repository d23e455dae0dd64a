/// A weight as the detectors know it.
package struct ObservedWeight: Sendable, Equatable {
  /// Order from the input towards the loss.
  package var position: Int
  package var elementCount: Int
  /// Dimensions.
  package var rank: Int
  /// Extent of the first dimension; 1 for a scalar.
  package var rows: Int
  /// Extent of the last dimension; 1 for a scalar.
  package var columns: Int
  package var dtype: DType?
  /// Whether the training holds it fixed, as last told: its gradients are absent on purpose.
  package var isFrozen: Bool
  /// Euclidean norm of the values that the weight had when the run began; nil when not told.
  package var initialNorm: Double?

  /// A weight of which no gradient was seen yet.
  package init(position: Int) {
    self.init(position: position, shape: [], dtype: nil)
  }

  package init(
    position: Int, shape: [Int], dtype: DType?, isFrozen: Bool = false, initialNorm: Double? = nil
  ) {
    self.position = position
    self.dtype = dtype
    self.isFrozen = isFrozen
    self.initialNorm = initialNorm
    // What no memory holds counts as nothing: the detectors add and subtract these.
    elementCount = (try? TensorView.elementCount(of: shape)) ?? 0
    rank = shape.count
    rows = shape.first ?? 1
    columns = shape.last ?? 1
  }

  /// Whether it has two dimensions or more.
  package var isKernel: Bool { rank >= 2 }
}

/// One gradient as the detectors see it: what `gradient_series` keeps of it.
package struct ObservedGradient: Sendable {
  /// The index that ``Detectors/register(_:)`` gave the weight.
  package var weight: Int
  /// Euclidean norm of the finite elements; NaN when there is none.
  package var norm = Double.nan
  /// Mean magnitude of the finite elements that are not zero; NaN when there is none.
  package var meanAbsNonZero = Double.nan
  /// Elements equal to zero.
  package var zeroCount = 0
  /// Slices along the first dimension that are zero throughout; nil for a scalar.
  package var zeroRows: Int?
  /// Slices along the last dimension that are zero throughout; nil for a scalar.
  package var zeroColumns: Int?
  /// Cosine of the angle to the same weight's gradient before; NaN when unknown.
  package var cosine = Double.nan
  package var nanCount = 0
  package var posinfCount = 0
  package var neginfCount = 0
  /// Whether there is no gradient.
  package var isAbsent = false

  package init(weight: Int) {
    self.weight = weight
  }

  /// A gradient that is not there.
  package init(absent weight: Int) {
    self.weight = weight
    isAbsent = true
  }

  init(_ statistics: GradientStatistics, of weight: Int) {
    self.weight = weight
    norm = statistics.norm ?? .nan
    meanAbsNonZero = statistics.meanAbsNonZero ?? .nan
    zeroCount = statistics.zeroCount
    zeroRows = statistics.zeroRows
    zeroColumns = statistics.zeroColumns
    // The series keeps it as Float, and a replay must see the same.
    cosine = statistics.cosine.map { Double(Float($0)) } ?? .nan
    nanCount = statistics.nanCount
    posinfCount = statistics.posinfCount
    neginfCount = statistics.neginfCount
  }

  /// NaN and infinite elements.
  var nonFiniteCount: Int { nanCount + posinfCount + neginfCount }
}

/// What is known of a batch besides its gradients.
package struct ObservedBatch: Sendable {
  package var place: BatchPlace
  /// Equal for batches of the same optimizer, counted from 0.
  package var optimizer: Int
  /// nil when not recorded; NaN and infinities are what they are.
  package var loss: Double?
  /// nil without automatic mixed precision.
  package var lossScale: Double?

  package init(place: BatchPlace, optimizer: Int = 0, loss: Double? = nil, lossScale: Double? = nil)
  {
    self.place = place
    self.optimizer = optimizer
    self.loss = loss
    self.lossScale = lossScale
  }
}

/// Where a batch is: in the file and in the training.
package struct BatchPlace: Sendable, Equatable {
  package var batchID: Int64
  package var epoch: Int
  package var batch: Int
  package var step: Int
  /// The learning rate of the step that follows it; nil when not recorded, or no finite number.
  package var learningRate: Double?
  /// Batches of this network before it, as the detectors count them: steps may have gaps.
  var ordinal = 0

  package init(batchID: Int64, epoch: Int, batch: Int, step: Int, learningRate: Double? = nil) {
    self.batchID = batchID
    self.epoch = epoch
    self.batch = batch
    self.step = step
    self.learningRate = learningRate.flatMap { $0.isFinite ? $0 : nil }
  }
}
