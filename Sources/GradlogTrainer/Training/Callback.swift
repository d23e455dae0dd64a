public import Gradlog

/// Something that watches training: Keras's events, and one where the gradients exist.
///
/// The events come on the thread that trains, in this order, and training waits for each:
///
///     trainBegin
///       epochBegin
///         batchBegin  gradients  batchEnd      for every batch
///       epochEnd
///     trainEnd
///
/// Every method has an empty default, so a callback implements what it needs. Callbacks are called in
/// the order in which they were passed to `fit`.
public protocol Callback: AnyObject {
  /// Training is about to start.
  ///
  /// - Throws: what makes training pointless; `fit` then throws it before the first batch.
  func onTrainBegin(_ event: TrainBegin) throws(GradlogError)

  /// An epoch is about to start.
  func onEpochBegin(_ event: EpochBegin)

  /// A batch is about to start.
  func onBatchBegin(_ event: BatchBegin)

  /// The gradients of a batch are known and the weights not yet changed.
  func onGradients(_ event: GradientEvent)

  /// The weights have been changed.
  func onBatchEnd(_ event: BatchEnd)

  /// An epoch and its validation are over.
  func onEpochEnd(_ event: EpochEnd)

  /// Training is over, whether at its last epoch or stopped.
  func onTrainEnd(_ event: TrainEnd)
}

extension Callback {
  /// Does nothing.
  public func onTrainBegin(_ event: TrainBegin) throws(GradlogError) {}
  /// Does nothing.
  public func onEpochBegin(_ event: EpochBegin) {}
  /// Does nothing.
  public func onBatchBegin(_ event: BatchBegin) {}
  /// Does nothing.
  public func onGradients(_ event: GradientEvent) {}
  /// Does nothing.
  public func onBatchEnd(_ event: BatchEnd) {}
  /// Does nothing.
  public func onEpochEnd(_ event: EpochEnd) {}
  /// Does nothing.
  public func onTrainEnd(_ event: TrainEnd) {}
}

/// The hand on the switch: a callback that has seen enough stops training.
public final class TrainingControl {
  /// Whether a callback asked to stop.
  public private(set) var isStopRequested = false

  /// Stops training, as Keras's `model.stop_training = True`.
  ///
  /// The batch that is running is finished, or, when asked between batches, the next one; then come the
  /// validation, the end of the epoch and the end of training. Asked at the end of an epoch, no
  /// further batch runs.
  public func stopTraining() {
    isStopRequested = true
  }

  /// Whether the batch that is running leaves the weights as they are.
  private(set) var skipsUpdate = false

  /// Stops training, and when asked with the gradients of a batch, before the weights are changed by them.
  public func stopTrainingBeforeUpdate() {
    isStopRequested = true
    skipsUpdate = true
  }
}
