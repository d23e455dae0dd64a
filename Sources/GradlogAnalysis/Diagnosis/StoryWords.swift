internal import Gradlog

extension Story.Line {
  private var symptom: Symptom { finding.symptom }

  /// The trouble as a clause, which its place can follow: in the past tense when it is over.
  var trouble: String {
    switch symptom {
    case .nonFinite:
      "the \(gradients) of \(subject) \(verb("has", "have", "had")) NaN or infinite elements"
    case .nonFiniteLoss: "the loss \(verb("is", "is", "was")) NaN or infinite"
    case .spike: "the gradients jumped" + mostly
    case .jump, .growth:
      finding.severity == .critical
        ? "the gradients \(isPast ? "exploded" : "explode")" + mostly
        : "the gradients \(isPast ? "were" : "are") far above what is usual" + mostly
    case .growthIntoNonFinite:
      "the gradients exploded into NaN or infinity" + mostly
    case .lossGrowth:
      "the loss \(isPast ? "rose" : "rises") to \(times) what it was at first,"
    case .lossLevel: "the loss \(isPast ? "was" : "is") far above that of guessing"
    case .size: "the gradients \(isPast ? "were" : "are") too large for any training"
    case .firstSize: "the gradients \(isPast ? "were" : "are") too large" + mostly
    case .largeInputs:
      "the layers from \(weightName) to the last \(isPast ? "got inputs that were" : "get inputs that are") far too large"
    case .smallWeights:
      "the training suffer\(isPast ? "ed" : "s") from weights that were initialized far too small,"
    case .largeWeights:
      "the training suffer\(isPast ? "ed" : "s") from \(weightName), which was initialized far too large,"
    case .depth:
      "the gradients vanish\(isPast ? "ed" : "") on their way to the input, at \(weightName) already,"
    case .depthGrowth:
      "the gradients \(isPast ? "grew" : "grow") by decades on their way to the input"
    case .firstDepth:
      "the training never began: gradients vanished on their way to the input, at \(weightName) already,"
    case .firstTiny: "the training hardly began: the gradients of all kernels were next to nothing"
    case .decay: "the gradients \(isPast ? "decayed" : "have decayed") before anything was learned"
    case .tiny: "the gradients of all kernels \(isPast ? "were" : "are") next to nothing"
    case .allZero, .deadUnits: deadUnits
    case .identical: "each gradient repeat\(isPast ? "ed" : "s") the one before"
    case .flatLoss: isPast ? "the loss did not fall" : "the loss does not fall"
    case .stall: "the training hardly move\(isPast ? "d" : "s"), though its gradients agree,"
    case .turning: "the gradients turn\(isPast ? "ed" : "") round from batch to batch"
    case .underflow:
      "the \(gradients) of \(subject) \(verb("is", "are", isSingle ? "was" : "were")) lost below the range of float16"
    case .silence: "every gradient \(isPast ? "was" : "is") lost below the range of float16"
    case .held: "\(subject) \(verb("is", "are", isSingle ? "was" : "were")) held fixed"
    case .never, .noLonger: "\(subject) \(verb("gets", "get", "got")) no gradient"
    case .accumulating:
      "gradients pile\(isPast ? "d" : "") up, as they do when nothing clears them between steps,"
    case .noise: "the noise scale is known"
    }
  }

  /// The trouble as something that follows from another.
  var consequence: String {
    let weights = finding.weight == nil ? otherWeights : otherWeights + 1
    let inWeights = weights > 0 ? " in \(DisplayText.counted(weights, "weight"))" : ""
    return switch symptom {
    case .nonFinite: "NaN or infinity\(inWeights)" + forAWhile
    case .nonFiniteLoss:
      "NaN or infinity in the loss"
        + (weights > 0 ? " and \(DisplayText.counted(weights, "weight"))" : "") + forAWhile
    case .spike: "gradients that jumped"
    case .jump, .growth, .growthIntoNonFinite: "exploding gradients" + forAWhile
    case .lossGrowth: "a loss that \(isPast ? "rose" : "rises")" + forAWhile
    case .lossLevel: "a loss far above that of guessing" + forAWhile
    case .size, .firstSize: "gradients that \(isPast ? "were" : "are") too large"
    case .largeInputs: "inputs that \(isPast ? "were" : "are") too large"
    case .smallWeights: "weights that began far too small"
    case .largeWeights: "weights that began far too large"
    case .depth: "vanishing gradients" + forAWhile
    case .depthGrowth: "gradients that \(isPast ? "grew" : "grow") towards the input" + forAWhile
    case .firstDepth: "gradients that vanished at first"
    case .firstTiny: "first gradients next to nothing"
    case .decay: "gradients that decayed" + forAWhile
    case .tiny: "gradients next to nothing" + forAWhile
    case .allZero, .deadUnits: "dead units\(inWeights)" + forAWhile
    case .identical: "gradients that repeat\(isPast ? "ed" : "") themselves" + forAWhile
    case .flatLoss: "a loss that \(isPast ? "did" : "does") not fall" + forAWhile
    case .stall: "a training that hardly move\(isPast ? "d" : "s")" + forAWhile
    case .turning: "gradients that turn\(isPast ? "ed" : "") round" + forAWhile
    case .underflow: "underflow\(inWeights)" + forAWhile
    case .silence: "gradients of zero" + forAWhile
    case .held: DisplayText.counted(weights, "frozen weight") + forAWhile
    case .never, .noLonger: "no gradient\(inWeights)" + forAWhile
    case .accumulating: "gradients that pile\(isPast ? "d" : "") up" + forAWhile
    case .noise: "noise"
    }
  }

  private var forAWhile: String { isPast ? " for a while" : "" }
  private var isSingle: Bool { otherWeights == 0 }
  private var gradients: String { isSingle ? "gradient" : "gradients" }
  private var weightName: String { "'\(DisplayText.printable(finding.weight ?? "the network"))'" }

  /// The weights that it is about.
  private var subject: String {
    weightName + (isSingle ? "" : " and \(DisplayText.counted(otherWeights, "more weight"))")
  }

  private func verb(_ one: String, _ many: String, _ past: String) -> String {
    isPast ? past : isSingle ? one : many
  }

  private var mostly: String { finding.weight == nil ? "" : ", most of all in \(weightName)," }

  private var times: String {
    let ratio = finding.value / (finding.baseline ?? .nan)
    return ratio.isFinite && ratio > 0 ? "\(ratio.short) times" : "far above"
  }

  /// The units of a vector are dead; a kernel that is zero throughout has none that live.
  private var deadUnits: String {
    let are = isPast ? "were" : "are"
    let share = finding.value >= 1 ? "all" : finding.value.wholePercent
    return isSingle
      ? "\(finding.value >= 1 ? share : share + " of the") units of \(weightName) \(are) dead"
      : "units of \(weightName) (\(share)) and of \(DisplayText.counted(otherWeights, "more weight")) \(are) dead"
  }
}
