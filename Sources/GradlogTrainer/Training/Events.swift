public import Gradlog

/// Training is about to start.
public struct TrainBegin {
  /// Every weight of the model, from the input on.
  public let weights: [Weight]
  /// Euclidean norm of the values that each of them has now, in the same order.
  public let weightNorms: [Double]
  /// The epochs to come, zero-based.
  public let epochs: Range<Int>
  /// Batches in each epoch.
  public let batchesPerEpoch: Int
  /// Rows in a batch; the last batch of an epoch may have fewer.
  public let batchSize: Int
  /// Optimizer steps that the model took before.
  public let step: Int
  /// What is minimised.
  public let loss: Loss
  /// How the weights change.
  public let optimizer: Optimizer
  /// Stops training.
  public let control: TrainingControl
}

/// An epoch is about to start.
public struct EpochBegin {
  /// Zero-based.
  public let epoch: Int
  /// Stops training.
  public let control: TrainingControl
}

/// A batch is about to start.
public struct BatchBegin {
  /// Zero-based.
  public let epoch: Int
  /// Zero-based within the epoch.
  public let batch: Int
  /// Optimizer steps before this batch.
  public let step: Int
  /// Rows in this batch.
  public let rows: Int
  /// Stops training.
  public let control: TrainingControl
}

/// The gradients of a batch, before the weights change.
///
/// The values belong to the model and are overwritten by the next batch: read or copy them before the
/// callback returns.
public struct GradientEvent {
  /// Zero-based.
  public let epoch: Int
  /// Zero-based within the epoch.
  public let batch: Int
  /// Optimizer steps before this batch: the zero-based number of the step that follows.
  public let step: Int
  /// Rows in this batch.
  public let rows: Int
  /// The mean loss of these rows.
  public let loss: Float
  /// The optimizer's learning rate.
  public let learningRate: Double
  /// d(loss)/d(weight) of every weight, from the input on, before clipping.
  public let raw: [WeightGradient]
  /// What the update rule consumes; the same memory as ``raw`` when nothing is clipped.
  public let applied: [WeightGradient]
  /// Stops training.
  public let control: TrainingControl

  /// The gradients of a stage.
  public func gradients(at stage: GradientStage) -> [WeightGradient] {
    switch stage {
    case .raw: raw
    case .applied: applied
    }
  }
}

/// One weight and its gradient.
public struct WeightGradient {
  /// Which weight.
  public let weight: Weight

  /// The gradient, row by row in the weight's shape; nil when it is absent because the weight is
  /// frozen.
  ///
  /// Valid during the event only.
  public let values: UnsafeBufferPointer<Float>?
}

/// The weights have been changed.
public struct BatchEnd {
  /// Zero-based.
  public let epoch: Int
  /// Zero-based within the epoch.
  public let batch: Int
  /// Optimizer steps after this batch.
  public let step: Int
  /// Rows in this batch.
  public let rows: Int
  /// The mean loss of these rows, before the step.
  public let loss: Float
  /// The optimizer's learning rate.
  public let learningRate: Double
  /// Over the rows of this epoch so far, as Keras reports them.
  public let metrics: Metrics
  /// Stops training.
  public let control: TrainingControl
}

/// An epoch is over.
public struct EpochEnd {
  /// Zero-based.
  public let epoch: Int
  /// Over the rows that were trained on in this epoch.
  public let training: Metrics
  /// Over the validation rows, with the weights at the end of the epoch; nil without validation.
  public let validation: Metrics?
  /// Stops training.
  public let control: TrainingControl
}

/// Training is over.
public struct TrainEnd {
  /// The metrics of every epoch.
  public let history: History
  /// Optimizer steps that the model has taken in all.
  public let step: Int
  /// Whether a callback stopped training before its last epoch was over.
  public let isStopped: Bool
}
