/// One of the ``Thresholds``, by the name that a person writes, such as `exploding.growth`.
package struct ThresholdName: Sendable {
  /// The rule and what is bounded, with a full stop between.
  package let name: String
  /// The rules that judge by it.
  package let rules: Set<Rule>
  /// What it bounds, and in which unit, as a phrase.
  package let meaning: String
  /// What it can be: detectors count and compare with it.
  package var range: ClosedRange<Double> { name.hasSuffix("cosine") ? -1...1 : 0...1e15 }
  let path: any WritableKeyPath<Thresholds, Double> & Sendable

  init(
    _ rule: Rule, _ bound: String, _ path: any WritableKeyPath<Thresholds, Double> & Sendable,
    _ meaning: String
  ) {
    name = "\(rule.rawValue).\(bound)"
    rules = [rule]
    self.path = path
    self.meaning = meaning
  }

  /// One that several rules judge by.
  init(
    _ name: String, of rules: Set<Rule>, _ path: any WritableKeyPath<Thresholds, Double> & Sendable,
    _ meaning: String
  ) {
    self.name = name
    self.rules = rules
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
  package static let all: [ThresholdName] =
    [
      ThresholdName(
        "learned.share",
        of: [
          .exploding, .vanishing, .stagnation, .oscillation, .underflow, .absent, .accumulating,
        ], \.learnedShare,
        "share of the first losses by which the loss is below them when no harm is done"),
      ThresholdName(
        "guessing.share", of: [.exploding, .stagnation, .oscillation, .absent], \.guessingShare,
        "share of the loss of guessing, ln of the number of classes, from which on there is much to learn"
      ),
      ThresholdName(
        .nonFinite, "scaled-patience", \.nonFiniteScaledPatience,
        "batches in a row with a loss scale before NaN and infinity are more than the search for it"
      ),
    ] + exploding + vanishing + dead + stagnation + oscillation + underflow + [
      ThresholdName(.absent, "patience", \.absentPatience, "batches in a row without a gradient"),
      ThresholdName(
        .absent, "share", \.absentShare,
        "share of the weights without a gradient that is critical from the input on"),
      ThresholdName(
        .absent, "most-share", \.absentMostShare, "share that is critical wherever they are"),
      ThresholdName(
        .absent, "held-share", \.absentHeldShare,
        "share of the weights that is critical when frozen before the loss came down"),
    ] + accumulating + [
      ThresholdName(
        .noiseScale, "batches", \.noiseScaleBatches, "batches after which the noise scale is told")
    ]

  private static let exploding = [
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
      "times its own level at which the norm has exploded after three batches"),
    ThresholdName(
      .exploding, "spikes", \.explodingSpikes,
      "jumps by exploding.factor that are enough without a loss"),
    ThresholdName(
      .exploding, "patience", \.explodingPatience, "batches for which the norm stays high"),
    ThresholdName(
      .exploding, "relapse", \.explodingRelapse,
      "share of its best value by which the loss is above that when harm is done"),
    ThresholdName(
      .exploding, "loss", \.explodingLoss, "times the first losses at which the loss has exploded"),
    ThresholdName(
      .exploding, "loss-patience", \.explodingLossPatience,
      "batches in a row for which the loss stays there"),
    ThresholdName(
      .exploding, "swing", \.explodingSwing,
      "times the first losses below which a loss that rose with oscillation is told by that"),
    ThresholdName(
      .exploding, "loss-level", \.explodingLossLevel,
      "times the loss of guessing that a classifier should not be above"),
    ThresholdName(
      .exploding, "aftermath", \.explodingAftermath,
      "batches within which units that die tell that a jump did harm"),
    ThresholdName(
      .exploding, "norm", \.explodingNorm,
      "norm of the whole gradient that is too large for any network"),
    ThresholdName(
      .exploding, "first-size", \.explodingFirstSize,
      "root mean square of a kernel's gradient that is too large in the first batches"),
    ThresholdName(
      .exploding, "first-learned", \.explodingLearned,
      "share of the first losses by which the loss was once below them when large first gradients do no harm"
    ),
    ThresholdName(
      .exploding, "inputs", \.explodingInputs,
      "root mean square of the last layer's inputs that is too large in the first batches"),
    ThresholdName(
      .exploding, "inputs-bias", \.explodingInputsBias,
      "norm of a bias's gradient below which it tells nothing of the inputs"),
    ThresholdName(
      .exploding, "weights", \.explodingWeights,
      "gain of a kernel's first values that is too large: their root mean square times the root of the width"
    ),
    ThresholdName(
      .exploding, "weights-size", \.explodingWeightsSize,
      "root mean square of a kernel's first values that may be that of a lookup's"),
    ThresholdName(
      .exploding, "steepness", \.explodingSteepness,
      "share of the first losses that the first norm has when they are no mere sum of many"),
    ThresholdName(
      .exploding, "depth-size", \.explodingDepthSize,
      "root mean square above which the first kernels' gradients are large"),
    ThresholdName(
      .exploding, "depth", \.explodingDepth,
      "decades from the last kernels' gradients up to the first ones'"),
  ]

  private static let vanishing = [
    ThresholdName(
      .vanishing, "drop", \.vanishingDrop,
      "decades from the last kernels' gradients down to the first ones'"),
    ThresholdName(
      .vanishing, "critical-drop", \.vanishingCriticalDrop,
      "decades at which that is critical when there is no loss to tell"),
    ThresholdName(
      .vanishing, "size", \.vanishingSize,
      "root mean square below which the first kernels' gradients are small"),
    ThresholdName(
      .vanishing, "middle", \.vanishingMiddle,
      "decades from the last kernels' gradients down to those in the middle"),
    ThresholdName(
      .vanishing, "learned", \.vanishingLearned,
      "share of the first losses by which the loss was never below them when a training never began"
    ),
    ThresholdName(
      .vanishing, "first-size", \.vanishingFirstSize,
      "root mean square, as a share of the loss, of first gradients that are next to nothing"),
    ThresholdName(
      .vanishing, "progress", \.vanishingProgress,
      "share by which the loss falls from the third quarter to the last when a training goes on"),
    ThresholdName(
      .vanishing, "rest", \.vanishingRest,
      "decades by which the largest kernel's gradient fell when the last layers came to rest"),
    ThresholdName(
      .vanishing, "restless", \.vanishingRestless,
      "decades by which first gradients have to drop further when it did not"),
    ThresholdName(
      .vanishing, "weights", \.vanishingWeights,
      "gain of the first values of most kernels that is too small"),
    ThresholdName(
      .vanishing, "decay", \.vanishingDecay,
      "decades from the first norms of the whole gradient down to the last ones"),
    ThresholdName(
      .vanishing, "rise", \.vanishingRise,
      "decades by which gradients that vanished rise when that is over, when there is no loss to tell"
    ),
    ThresholdName(
      .vanishing, "tiny", \.vanishingTiny,
      "root mean square, as a share of the loss, below which a gradient is next to nothing"),
    ThresholdName(.vanishing, "patience", \.vanishingPatience, "batches in a row"),
  ]

  private static let dead = [
    ThresholdName(
      .dead, "share", \.deadShare, "share of the elements that are zero in every batch"),
    ThresholdName(.dead, "critical-share", \.deadCriticalShare, "share at which that is critical"),
    ThresholdName(
      .dead, "learned-share", \.deadLearnedShare,
      "share of the first losses by which the loss is below them when no harm is done"),
  ]

  private static let stagnation = [
    ThresholdName(
      .stagnation, "patience", \.stagnationPatience, "batches in a row that repeat the one before"),
    ThresholdName(
      "stagnation.batches", of: [.stagnation, .exploding, .vanishing, .absent], \.stagnationBatches,
      "losses after which one must have fallen"),
    ThresholdName(.stagnation, "fall", \.stagnationFall, "share by which it must have fallen then"),
    ThresholdName(
      .stagnation, "long-batches", \.stagnationLongBatches,
      "losses after which it must have fallen further"),
    ThresholdName(
      .stagnation, "long-fall", \.stagnationLongFall, "share by which it must have fallen then"),
    ThresholdName(
      .stagnation, "recovery", \.stagnationRecovery,
      "share of the first losses by which the loss is below them when a loss that was flat falls again"
    ),
    ThresholdName(
      .stagnation, "errors", \.stagnationErrors,
      "standard errors of the fall that chance can bring about"),
    ThresholdName(
      .stagnation, "cosine", \.stagnationCosine,
      "median cosine of the first batches from which on they agree that there is something to learn"
    ),
    ThresholdName(
      .stagnation, "most-cosine", \.stagnationMostCosine,
      "median cosine above which they are too alike to tell"),
    ThresholdName(
      .stagnation, "stall-cosine", \.stallCosine,
      "median cosine between neighbours when they agree and nothing moves"),
    ThresholdName(
      .stagnation, "stall-size", \.stallSize,
      "change of the natural logarithm of the norm that is none"),
    ThresholdName(
      .stagnation, "stall-size-alone", \.stallSizeAlone, "the same when there is no loss to tell"),
    ThresholdName(
      .stagnation, "stall-fall", \.stallFall, "share by which a loss that moves falls meanwhile"),
  ]

  private static let oscillation = [
    ThresholdName(
      .oscillation, "cosine", \.oscillationCosine,
      "median cosine between a gradient and the one before"),
    ThresholdName(
      .oscillation, "critical-cosine", \.oscillationCriticalCosine,
      "median cosine that is critical when there is no loss to tell"),
    ThresholdName(
      .oscillation, "progress", \.oscillationProgress,
      "share by which the loss fell from the third quarter to the last when no harm is done"),
    ThresholdName(
      .oscillation, "relapse", \.oscillationRelapse,
      "share of its best value by which the loss is above that when harm is done after all"),
    ThresholdName(.oscillation, "patience", \.oscillationPatience, "batches in a row"),
    ThresholdName(
      "oscillation.share", of: [.oscillation, .absent], \.oscillationShare,
      "share of the first losses by which a loss that comes down is below them"),
  ]

  private static let underflow = [
    ThresholdName(.underflow, "share", \.underflowShare, "share of the elements that are zero"),
    ThresholdName(
      .underflow, "quanta", \.underflowQuanta,
      "times the smallest float16 below which the mean size of the other elements is"),
    ThresholdName(
      .underflow, "loss", \.underflowLoss, "loss so small that it has no gradient in float16"),
    ThresholdName(.underflow, "patience", \.underflowPatience, "batches in a row"),
  ]

  private static let accumulating = [
    ThresholdName(
      .accumulating, "patience", \.accumulatingPatience,
      "windows of 16 batches in a row that look so"),
    ThresholdName(
      .accumulating, "sum", \.accumulatingSum, "times the first norm that a sum of gradients has"),
    ThresholdName(
      .accumulating, "first-sum", \.accumulatingFirstSum,
      "times the first norm that the gradient has after 12 batches that were never cleared"),
    ThresholdName(
      .accumulating, "addition", \.accumulatingAddition,
      "times the first norm that the median of what these added has"),
    ThresholdName(
      .accumulating, "variation", \.accumulatingVariation,
      "mean step of the logarithm of what a batch adds, when that varies"),
    ThresholdName(
      .accumulating, "calm", \.accumulatingCalm,
      "share of it that the logarithm of the norm steps, when the sum does not vary"),
    ThresholdName(
      .accumulating, "least", \.accumulatingLeast,
      "share of the norm that a batch adds at least once"),
    ThresholdName(
      .accumulating, "cosine", \.accumulatingCosine,
      "median cosine between a gradient and the one before, when the sum does not turn"),
    ThresholdName(
      .accumulating, "growth", \.accumulatingGrowth, "times that the norm grows in half a window"),
    ThresholdName(
      .accumulating, "share", \.accumulatingShare,
      "share of that growth, as a logarithm, by which what a batch adds may grow"),
    ThresholdName(
      .accumulating, "growth-cosine", \.accumulatingGrowthCosine,
      "median cosine of a sum that grows"),
  ]
}
