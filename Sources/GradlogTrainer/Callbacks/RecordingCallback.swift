public import Gradlog

/// A recorder is a callback: it records the gradients of its stage of every batch.
///
///     let recorder = try GradientRecorder(path: "runs.db", run: "mlp")
///     try model.fit(data, epochs: 5, callbacks: [recorder])
///     try recorder.close()
extension GradientRecorder: Callback {
  /// Refuses a training whose first batch the run already holds, before anything is trained; else tells how large the
  /// weights are with which it begins.
  ///
  /// - Throws: ``GradlogError`` with code `overlap`, unless the recorder replaces what overlaps.
  public func onTrainBegin(_ event: TrainBegin) throws(GradlogError) {
    guard overlap == .refuse, let last = resumedAfter,
      RecordedBatch(epoch: event.epochs.lowerBound, batch: 0) <= last
    else {
      for (weight, norm) in zip(event.weights, event.weightNorms) {
        tellInitialNorm(norm, of: weight.name)
      }
      return
    }
    throw GradlogError(
      .overlap,
      "run \"\(run)\" already holds batches up to epoch \(last.epoch) batch \(last.batch), "
        + "and the training begins at epoch \(event.epochs.lowerBound)",
      remedy: "give this training another run name, begin at epoch \(last.epoch + 1), "
        + "or replace what overlaps")
  }

  /// Records the batch. When that meets ``Options/stopOn``, the training ends and the batch changes no weight.
  public func onGradients(_ event: GradientEvent) {
    let context = BatchContext(
      epoch: event.epoch, batch: event.batch, loss: Double(event.loss),
      learningRate: event.learningRate)
    record(context) { batch in
      for gradient in event.gradients(at: stage) {
        if let values = gradient.values {
          batch.add(gradient.weight.name, values, shape: gradient.weight.shape)
        } else {
          batch.addAbsent(gradient.weight.name, isFrozen: true)
        }
      }
    }
    if stopped != nil { event.control.stopTrainingBeforeUpdate() }
  }
}
