/// What was seen: which of a rule's conditions hit, with what its sentence needs.
package enum Symptom: Sendable, Equatable {
  case nonFinite(nan: Int, posinf: Int, neginf: Int)
  case nonFiniteLoss
  case spike
  case jump
  case growth
  case growthIntoNonFinite
  case lossGrowth
  case lossLevel
  case size
  case firstSize
  case depthGrowth
  case depth
  case tiny
  case firstDepth
  case firstTiny
  case decay
  case allZero
  case deadUnits
  case identical
  case flatLoss
  case stall
  case turning
  case underflow
  case silence
  case held
  case never
  case noLonger
  case accumulating
  case noise

  /// Whether a training that learns all the same may be left alone.
  var isBearable: Bool {
    switch self {
    case .spike, .jump, .growth, .depthGrowth, .depth, .firstDepth, .firstTiny, .decay, .flatLoss, .turning, .underflow, .held, .never,
      .noLonger,
      .accumulating:
      true
    default: false
    }
  }
}
