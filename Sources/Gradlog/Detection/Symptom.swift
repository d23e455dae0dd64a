/// What was seen: which of a rule's conditions hit, with what its sentence needs.
package enum Symptom: Sendable, Equatable {
  /// NaN or infinite elements of a gradient.
  case nonFinite(nan: Int, posinf: Int, neginf: Int)
  /// A loss that is NaN or infinite though the gradients are finite.
  case nonFiniteLoss
  /// The norm left its history for a while.
  case spike
  /// The same by a factor that no training should see, and for more than a moment.
  case jump
  /// The norm rose and stayed there.
  case growth
  /// The norm rose until it was NaN or infinite.
  case growthIntoNonFinite
  /// The loss stays far above the first ones.
  case lossGrowth
  /// The loss of a classifier stays far above that of guessing.
  case lossLevel
  /// The norm is beyond an absolute bound.
  case size
  /// A kernel's first gradients are beyond an absolute bound.
  case firstSize
  /// The last layer is given numbers far too large in the first batches.
  case largeInputs
  /// Most kernels began with values far smaller than is usual for their shape.
  case smallWeights
  /// A kernel began with values far larger than is usual for its shape.
  case largeWeights
  /// The first kernels' gradients are much larger than the last ones'.
  case depthGrowth
  /// The first kernels' gradients are much smaller than the last ones'.
  case depth
  /// No kernel has a gradient worth speaking of.
  case tiny
  /// Some kernel's first gradients were much smaller than others', and the training never began.
  case firstDepth
  /// No kernel had a first gradient worth speaking of, and the training never began, or came to nothing.
  case firstTiny
  /// The norm decayed by decades while the loss did not fall.
  case decay
  /// Every element of a gradient is zero.
  case allZero
  /// Many elements of a gradient are zero.
  case deadUnits
  /// Each gradient repeats the one before.
  case identical
  /// The loss does not fall.
  case flatLoss
  /// Gradients agree and nothing moves.
  case stall
  /// Each gradient points against the one before.
  case turning
  /// Elements lost below the smallest float16.
  case underflow
  /// Every gradient was lost there.
  case silence
  /// A weight that is frozen.
  case held
  /// A weight that never had a gradient.
  case never
  /// A weight that had one.
  case noLonger
  /// Each gradient contains the one before.
  case accumulating
  /// How noisy gradients are.
  case noise

  /// Whether a training that learns all the same may be left alone.
  var isBearable: Bool {
    switch self {
    case .spike, .jump, .growth, .smallWeights, .depthGrowth, .depth, .firstDepth, .firstTiny,
      .decay, .flatLoss,
      .turning, .underflow, .held, .never, .noLonger, .accumulating:
      true
    default: false
    }
  }

  /// Whether a smaller value is a worse one.
  var worstIsSmallest: Bool {
    switch self {
    case .smallWeights, .depth, .firstDepth, .firstTiny, .decay, .tiny, .stall, .turning, .silence:
      true
    default: false
    }
  }

  /// What value, baseline and threshold of the finding measure.
  package var unit: String {
    switch self {
    case .nonFinite: "elements"
    case .nonFiniteLoss: "losses"
    case .spike, .jump, .growth, .growthIntoNonFinite, .size, .decay, .accumulating: "norm"
    case .lossGrowth, .lossLevel, .flatLoss, .silence: "loss"
    case .firstSize, .depth, .depthGrowth, .firstDepth, .firstTiny, .tiny: "size (rms)"
    case .allZero, .deadUnits, .underflow: "share of zeros"
    case .largeInputs: "inputs (rms)"
    case .smallWeights, .largeWeights: "gain"
    case .identical, .held, .never, .noLonger: "batches in a row"
    case .stall: "change of log norm"
    case .turning: "median cosine"
    case .noise: "noise over signal"
    }
  }
}
