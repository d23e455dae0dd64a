/// What is known of a batch besides its gradients.
public struct BatchContext: Sendable, Equatable {
  /// Zero-based.
  public var epoch: Int
  /// Zero-based, restarts in each epoch.
  public var batch: Int
  /// Zero-based count of optimizer steps in the run; nil counts on from the last recorded batch.
  public var step: Int?
  /// Which of several optimizers; empty when there is one.
  public var optimizer: String
  /// Which application of that optimizer within the batch; 0 when there is one.
  public var call: Int
  /// The loss of the batch; nil when unknown. NaN and infinities are kept.
  public var loss: Double?
  /// The learning rate of the step; nil when unknown.
  public var learningRate: Double?
  /// The factor by which automatic mixed precision multiplied the loss, already divided out of the
  /// gradients; nil when there is none.
  public var lossScale: Double?

  /// A batch.
  public init(
    epoch: Int, batch: Int, step: Int? = nil, optimizer: String = "", call: Int = 0,
    loss: Double? = nil, learningRate: Double? = nil, lossScale: Double? = nil
  ) {
    self.epoch = epoch
    self.batch = batch
    self.step = step
    self.optimizer = optimizer
    self.call = call
    self.loss = loss
    self.learningRate = learningRate
    self.lossScale = lossScale
  }
}

extension BatchContext {
  /// Why this cannot be a batch; nil when it can.
  var failure: GradlogError? {
    guard epoch < 0 || batch < 0 || call < 0 || (step ?? 0) < 0 else { return nil }
    return GradlogError(
      .invalidArgument,
      "epoch \(epoch), batch \(batch), call \(call), step \(step ?? 0) is not a place in a training",
      remedy: "count from 0")
  }
}
