/// One of the ``Thresholds`` by the name that a person writes, such as `exploding.growth`.
package struct ThresholdName: Sendable {
  /// The rule and what is bounded, with a full stop between.
  package let name: String
  /// The rule that it belongs to.
  package let rule: Rule
  /// What it bounds, and in which unit, as a phrase.
  package let meaning: String
  /// What it can be: detectors count and compare with it.
  package var range: ClosedRange<Double> {
    name.hasSuffix(".cosine") ? -1...1 : 0...1e15
  }
  let path: any WritableKeyPath<Thresholds, Double> & Sendable

  init(
    _ rule: Rule, _ bound: String, _ path: any WritableKeyPath<Thresholds, Double> & Sendable,
    _ meaning: String
  ) {
    name = "\(rule.rawValue).\(bound)"
    self.rule = rule
    self.path = path
    self.meaning = meaning
  }
}

extension Thresholds {
  /// The value of one of them.
  package subscript(threshold: ThresholdName) -> Double {
    get { self[keyPath: threshold.path] }
    set { self[keyPath: threshold.path] = newValue }
  }

  /// Every one of them, rule by rule.
  package static let all: [ThresholdName] = [
    ThresholdName(
      .nonFinite, "scaled-patience", \.nonFiniteScaledPatience,
      "batches in a row with a loss scale before NaN and infinity are more than the search for that scale"),
    ThresholdName(
      .exploding, "onset", \.explodingOnset,
      "times its own level from which on the norm of the whole gradient is watched"),
    ThresholdName(
      .exploding, "spike", \.explodingSpike, "times its own level at which the norm is a spike"),
    ThresholdName(
      .exploding, "growth", \.explodingGrowth,
      "times its own level at which the norm has exploded once it stays there and does harm"),
    ThresholdName(
      .exploding, "factor", \.explodingFactor,
      "times its own level at which the norm has exploded after few batches"),
    ThresholdName(
      .exploding, "patience", \.explodingPatience, "batches for which the norm stays high"),
    ThresholdName(
      .exploding, "relapse", \.explodingRelapse,
      "share of its best value by which the loss is above that when harm is done"),
    ThresholdName(
      .exploding, "loss", \.explodingLoss, "times its normal value at which the loss has exploded"),
    ThresholdName(
      .exploding, "loss-patience", \.explodingLossPatience, "batches in a row for which the loss stays there"),
    ThresholdName(
      .exploding, "aftermath", \.explodingAftermath,
      "steps within which units that die tell that a jump did harm"),
    ThresholdName(
      .exploding, "norm", \.explodingNorm, "norm of the whole gradient that is too large for any network"),
    ThresholdName(
      .exploding, "first-size", \.explodingFirstSize,
      "root mean square of a kernel's gradient that is too large in the first batches"),
    ThresholdName(
      .vanishing, "drop", \.vanishingDrop, "decades from the last kernels' gradients down to the first ones'"),
    ThresholdName(
      .vanishing, "critical-drop", \.vanishingCriticalDrop, "decades at which that is critical in any case"),
    ThresholdName(
      .vanishing, "size", \.vanishingSize, "root mean square below which the first kernels' gradients are small"),
    ThresholdName(
      .vanishing, "tiny", \.vanishingTiny, "root mean square, as a share of the loss, below which a gradient is next to nothing"),
    ThresholdName(
      .vanishing, "fall", \.vanishingFall, "share by which the loss falls when the network learns all the same"),
    ThresholdName(.vanishing, "patience", \.vanishingPatience, "batches in a row"),
    ThresholdName(.dead, "share", \.deadShare, "share of the elements that are zero in every batch"),
    ThresholdName(.dead, "critical-share", \.deadCriticalShare, "share at which that is critical"),
    ThresholdName(
      .dead, "fall", \.deadFall, "share by which the loss falls when no harm is done"),
    ThresholdName(
      .stagnation, "patience", \.stagnationPatience, "batches in a row that repeat the one before"),
    ThresholdName(.stagnation, "batches", \.stagnationBatches, "losses after which one must have fallen"),
    ThresholdName(.stagnation, "fall", \.stagnationFall, "share by which it must have fallen then"),
    ThresholdName(
      .stagnation, "long-batches", \.stagnationLongBatches, "losses after which it must have fallen further"),
    ThresholdName(
      .stagnation, "long-fall", \.stagnationLongFall, "share by which it must have fallen then"),
    ThresholdName(
      .stagnation, "errors", \.stagnationErrors, "standard errors of the fall that chance can bring about"),
    ThresholdName(
      .oscillation, "cosine", \.oscillationCosine, "median cosine between a gradient and the one before"),
    ThresholdName(.oscillation, "patience", \.oscillationPatience, "batches in a row"),
    ThresholdName(
      .oscillation, "fall", \.oscillationFall, "share by which the loss falls when no harm is done"),
    ThresholdName(.underflow, "share", \.underflowShare, "share of the elements that are zero"),
    ThresholdName(
      .underflow, "quanta", \.underflowQuanta,
      "times the smallest float16 below which the mean size of the other elements is"),
    ThresholdName(.underflow, "patience", \.underflowPatience, "batches in a row"),
    ThresholdName(
      .underflow, "loss", \.underflowLoss, "loss that is so small that it has no gradient in float16"),
    ThresholdName(.absent, "patience", \.absentPatience, "batches in a row without a gradient"),
    ThresholdName(
      .absent, "share", \.absentShare, "share of the weights without a gradient that is critical"),
    ThresholdName(
      .absent, "fall", \.absentFall, "share by which the loss falls when no harm is done"),
    ThresholdName(
      .accumulating, "cosine", \.accumulatingCosine, "cosine between a gradient and the one before"),
    ThresholdName(
      .accumulating, "change", \.accumulatingChange, "times the first norm that a batch adds to the gradient"),
    ThresholdName(
      .accumulating, "growth", \.accumulatingGrowth, "times the first norm that the gradient has grown to"),
    ThresholdName(
      .noiseScale, "batches", \.noiseScaleBatches, "batches after which the noise scale is told"),
  ]
}
