/// What a finding says to a reader.
extension Finding {
  /// What was seen, as one sentence without a stop, in the past tense when it is over. `weight` is the name of what it
  /// is about; nil for the whole network.
  package func evidence(of weight: String?) -> String {
    let name = "'\(weight ?? "")'"
    let subject = weight == nil ? "the gradient" : "the gradient of \(name)"
    let (be, are) = isOver ? ("was", "were") : ("is", "are")
    return switch symptom {
    case .nonFinite(let nan, let posinf, let neginf):
      "\(subject) has \(Self.elements(nan: nan, posinf: posinf, neginf: neginf))"
    case .nonFiniteLoss: "the loss is NaN or infinite, though the gradients are finite"
    case .spike, .jump:
      "the norm of the whole gradient jumped from about \(before) to \(value.short)"
        + Self.most(of: weight)
    case .growth:
      "the norm of the whole gradient rose from about \(before) to \(value.short) and stayed there"
        + Self.most(of: weight)
    case .growthIntoNonFinite:
      "the norm of the whole gradient rose from about \(before) to \(value.short) before it became NaN or infinite"
        + Self.most(of: weight)
    case .lossGrowth:
      "the loss rose from about \(before) to \(value.short)\(times)"
        + (isOver ? ", and stayed there" : "") + until
    case .lossLevel:
      "the loss \(be) \(value.short), where guessing gives \(before)\(until)"
    case .size: "the norm of the whole gradient reached \(value.short)"
    case .firstSize:
      "\(subject) was about \(value.short) an element in each of the first batches"
    case .largeInputs:
      "in the first batches the inputs of the last layer were about \(value.short) in size, as the gradients of its kernel and bias tell"
    case .smallWeights:
      "the kernels began with values far smaller than usual: root mean square times the root of the layer's width "
        + "was about \(value.short), where 0.5 to 1.5 is common"
    case .largeWeights:
      "\(name) began with values far larger than usual: root mean square times the root of the layer's width "
        + "was about \(value.short), where 0.5 to 1.5 is common"
    case .depth:
      "the gradients of the first kernels \(are) about \(value.short) an element, those of the last \(before)\(until)"
    case .depthGrowth:
      "the gradients of the first kernels \(are) about \(value.short) an element, those of the last \(before)\(until)"
    case .firstDepth:
      "in the first batches \(subject) was about \(value.short) an element, the largest \(before), and the loss has not come down since"
    case .firstTiny:
      "in the first batches no kernel's gradient was larger than \(value.short) an element, and not much has been learned since"
    case .decay:
      "the norm of the whole gradient decayed from about \(before) to \(value.short), though the loss had not come down"
    case .tiny:
      "no kernel's gradient \(be) larger than \(value.short) an element\(until)"
    case .allZero: "every element of \(subject) \(be) zero, batch after batch\(until)"
    case .deadUnits:
      "at least \(value.wholePercent) of the elements of \(subject) \(are) zero in every batch\(until)"
    case .identical:
      "each gradient \(be) the same as the one before, \(value.short) batches in a row\(until)"
    case .flatLoss: lossCourse + until
    case .stall:
      "neighbouring gradients agree\(isOver ? "d" : ""), and yet their norm changed by no more than \(value.percent) "
        + "in 96 batches\(until)"
    case .turning:
      "each gradient point\(isOver ? "ed" : "s") against the one before, with a median cosine of \(value.short)\(until)"
    case .underflow where value >= 1:
      "\(subject) \(be) zero throughout, and others \(are) close to 6e-8, the smallest float16\(until)"
    case .underflow:
      "\(value.percent) of the elements of \(subject) \(are) zero and the others close to 6e-8, the smallest float16\(until)"
    case .silence:
      "every gradient \(be) zero from the first batch on"
        + (value == 0 ? "" : ", while the loss \(be) \(value.short)") + until
    case .held: "\(name) \(be) held fixed\(until)"
    case .never:
      isOver ? "\(name) received no gradient\(until)" : "\(name) never received a gradient"
    case .noLonger:
      isOver ? "\(name) received no gradient\(until)" : "\(name) no longer receives a gradient"
    case .accumulating:
      "each gradient seems to contain the one before: their norm rose from \(before) to \(value.short), and they hardly turn"
    case .noise where value < 0.01: "neighbouring batches have nearly the same gradient"
    case .noise:
      "the noise in a batch's gradient is \(value.short) times its signal (simple noise scale)"
    }
  }

  private var before: String { baseline?.short ?? "an unknown value" }

  private var until: String {
    isOver ? ", until epoch \(last.epoch), batch \(last.batch)" : ""
  }

  private var times: String {
    guard let baseline, baseline > 0, (value / baseline).isFinite else { return "" }
    return ", \((value / baseline).short) times as high"
  }

  /// What the loss did that did not fall.
  private var lossCourse: String {
    guard let baseline, baseline != 0, value.isFinite else {
      return "the loss did not fall: it was \(before) at first and then \(value.short)"
    }
    let fall = (baseline - value) / baseline.magnitude
    if fall < -0.05 { return "the loss rose from about \(before) at first to \(value.short)" }
    let (be, has) = isOver ? ("was", "had") : ("is", "has")
    if fall < 0.005 { return "the loss \(be) no lower than the \(before) of the first batches" }
    return fall < 0.1
      ? "the loss \(has) fallen by only \(fall.percent) of the \(before) of the first batches"
      : "the loss \(has) fallen only from \(before) to \(value.short), within its noise"
  }

  private static func most(of weight: String?) -> String {
    weight.map { ", most of all in '\($0)'" } ?? ""
  }

  private static func elements(nan: Int, posinf: Int, neginf: Int) -> String {
    let parts = [(nan, "NaN"), (posinf, "+Inf"), (neginf, "-Inf")].filter { $0.0 > 0 }
      .map { "\($0.0) \($0.1)" }
    let list =
      parts.count < 2
      ? parts.joined() : parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
    return list + (nan + posinf + neginf == 1 ? " element" : " elements")
  }
}
