internal import Glibc

/// What a finding says to a reader.
extension Finding {
  /// What was seen, as one sentence without a stop. `weight` is the name of what it is about; nil for
  /// the whole network.
  package func evidence(of weight: String?) -> String {
    let subject = weight.map { "the gradient of \"\($0)\"" } ?? "the gradient"
    let text =
      switch symptom {
      case .nonFinite(let nan, let posinf, let neginf):
        "\(subject) has \(Self.elements(nan: nan, posinf: posinf, neginf: neginf))"
      case .nonFiniteLoss: "the loss is not a finite number"
      case .spike, .jump:
        "the norm of the whole gradient jumped from about \(baseline.short) to \(value.short)"
          + Self.led(by: weight)
      case .growth:
        "the norm of the whole gradient grew from about \(baseline.short) to \(value.short) and stayed there"
          + Self.led(by: weight)
      case .growthIntoNonFinite:
        "the norm of the whole gradient grew from about \(baseline.short) to \(value.short) before it was no number any more"
          + Self.led(by: weight)
      case .lossGrowth:
        "the loss rose from about \(baseline.short) to \(value.short), which is \(ratio.short) times as much"
      case .lossLevel:
        "the loss is still \(value.short), where guessing gives \(baseline.short)"
      case .size: "the norm of the whole gradient is \(value.short)"
      case .firstSize:
        "from the first batch on, the gradients are \(value.short) an element in the largest kernel"
      case .depth:
        "the first kernels' gradients are about \(value.short) an element, the last ones' \(baseline.short): "
          + "\(inverseRatio.short) times as large"
      case .depthGrowth:
        "the first kernels' gradients are about \(value.short) an element, \(ratio.short) times as large as the last ones'"
      case .firstDepth:
        "in the first batches \(subject) was about \(value.short) an element where the largest had \(baseline.short), and the loss has not come down since"
      case .firstTiny:
        "in the first batches no kernel's gradient was larger than \(value.short) an element, and the loss has not come down since"
      case .decay:
        "the norm of the whole gradient decayed from about \(baseline.short) to \(value.short), though the loss has not come down"
      case .tiny: "no kernel's gradient is larger than \(value.short) an element"
      case .allZero: "\(subject) is zero throughout, batch after batch"
      case .deadUnits:
        "\(value.percent)\(value < 0.995 ? " or more" : "") of the elements of \(subject) are exactly zero in every batch"
      case .identical: "each gradient is the same as the one before, batch after batch"
      case .flatLoss:
        value < 0.005
          ? "the loss is no lower than the \(baseline.short) that it began with"
          : "the loss has fallen by no more than \(value.percent) of the \(baseline.short) that it began with"
      case .stall:
        "the gradients of different batches agree (median cosine \(baseline.short)) and yet change by no more than \(value.percent) in 96 batches"
      case .turning:
        "each gradient points against the one before: the median cosine of 32 batches is \(value.short)"
      case .underflow where value == 0:
        "\(subject) is zero throughout, and others are close to the smallest number of float16"
      case .underflow:
        "\(baseline.percent) of the elements of \(subject) are zero and the others about \(value.short), "
          + "close to the smallest number of float16"
      case .silence:
        "every gradient is zero from the first batch on"
          + (value == 0 ? "" : ", while the loss is \(value.short)")
      case .held: "\"\(weight ?? "")\" is held fixed"
      case .never: "\"\(weight ?? "")\" never received a gradient"
      case .noLonger: "\"\(weight ?? "")\" no longer receives a gradient"
      case .accumulating:
        "each gradient seems to contain the one before: its norm is \(value.short), a batch changes it by "
          + "\(baseline.short)"
      case .noise:
        "the noise of a batch is \(value.short) times the squared gradient that batches share"
      }
    return isOver ? text + "; that is over" : text
  }

  /// What to try, as one sentence without a stop.
  package var advice: String {
    switch symptom {
    case .nonFinite, .nonFiniteLoss:
      "look at this batch's inputs and targets for NaN, and at logarithms, roots and divisions in the loss; else lower the learning rate"
    case .spike: "look at this batch; clip gradients by norm if it comes again"
    case .jump, .growth, .growthIntoNonFinite, .lossGrowth:
      "lower the learning rate, clip gradients by norm, standardize inputs and targets"
    case .size, .firstSize, .lossLevel:
      "standardize inputs and targets, and check the scale of the initialization and of the loss"
    case .depthGrowth:
      "use a smaller initialization, normalization or residual paths, and clip gradients by norm"
    case .firstTiny: "use an initialization of a larger scale, such as He's or Glorot's"
    case .decay:
      "check whether units are saturated or dead, the scale of the inputs, and lower the learning rate"
    case .depth, .firstDepth:
      "use ReLU-like activations with He initialization, normalization or residual paths"
    case .tiny:
      "check the scale of the loss and of the inputs, and whether the outputs are saturated"
    case .allZero, .deadUnits:
      "lower the learning rate, use LeakyReLU or another initialization, and check biases and inputs for large negative values"
    case .identical:
      "check that the optimizer holds these weights, that it is stepped, and its learning rate"
    case .flatLoss:
      "raise the learning rate, check that labels belong to inputs and that the loss gets what it expects (logits or probabilities)"
    case .stall: "raise the learning rate, or look at what its schedule has made of it"
    case .turning: "lower the learning rate or the momentum"
    case .underflow, .silence:
      "scale the loss (GradScaler), or keep weights and gradients in bfloat16 or float32"
    case .held: "let it be trained if the loss does not come down"
    case .never:
      "check whether a tensor is detached or a branch unused; leave it out of the optimizer, or freeze it, if that is meant"
    case .noLonger: "look at what changed in this batch: a detached tensor, a branch not taken"
    case .accumulating: "call zero_grad() before each backward()"
    case .noise:
      "larger batches pay off as long as this is well above 1"
    }
  }

  private static func led(by weight: String?) -> String {
    weight.map { ", led by \"\($0)\"" } ?? ""
  }

  private static func elements(nan: Int, posinf: Int, neginf: Int) -> String {
    let parts = [(nan, "NaN"), (posinf, "+Inf"), (neginf, "-Inf")].filter { $0.0 > 0 }
    return parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
      + (parts.reduce(0) { $0 + $1.0 } == 1 ? " element" : " elements")
  }

  private var ratio: Double { value / (baseline ?? .nan) }
  private var inverseRatio: Double { (baseline ?? .nan) / value }
}

extension Optional where Wrapped == Double {
  fileprivate var short: String { map(\.short) ?? "nothing" }
  fileprivate var percent: String { map(\.percent) ?? "none" }
}

extension Double {
  /// Three significant digits.
  fileprivate var short: String { printed("%.3g", self) }

  /// As a share of a hundred; what rounds to all is not said to be all.
  fileprivate var percent: String {
    self >= 0.995 && self < 1 ? "over 99 %" : printed("%.0f %%", 100 * self)
  }
}

private func printed(_ format: String, _ value: Double) -> String {
  withVaList([value]) { arguments in
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      vsnprintf(start, buffer.count, format, arguments)
      return String(cString: start)
    }
  }
}
