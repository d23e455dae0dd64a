/// What to do about a finding.
extension Finding {
  /// What to try, as one sentence without a stop. `weight` is the name of what it is about; nil for the whole network.
  package func advice(of weight: String?) -> String {
    guard isOver else { return remedy(for: weight) }
    return symptom == .flatLoss
      ? "nothing: the loss has come down since" : "if it comes again, " + remedy(for: weight)
  }

  private func remedy(for weight: String?) -> String {
    switch symptom {
    case .nonFinite where severity == .info, .nonFiniteLoss where severity == .info:
      "nothing, unless it goes on: so the scale of the loss is found"
    case .nonFinite, .nonFiniteLoss:
      isFromTheStart
        ? "look for NaN in inputs, targets and first weights, and for logarithms, roots and divisions in the loss"
        : "look for NaN in the data of \(onset), and for logarithms, roots and divisions in the loss; "
          + "else \(lower)"
    case .spike where severity < .critical:
      "look at the data of \(onset); \(clip) if it comes again"
    case .spike, .jump, .growth, .growthIntoNonFinite:
      isEarly
        ? "\(lower), standardize inputs and targets, \(clip)"
        : "\(lower), or \(clip); look at the data of \(onset)"
    case .lossGrowth:
      isEarly
        ? "\(lower), standardize inputs and targets, clip gradients by norm"
        : "\(lower), or clip gradients by norm; look at the data of \(onset)"
    case .lossLevel:
      "initialize with smaller weights, those of the last layer above all, and standardize the inputs"
    case .size where !isFromTheStart:
      "\(lower), standardize inputs and targets, clip gradients by norm"
    case .size, .firstSize:
      "standardize inputs and targets, and check the scale of the initialization and of the loss"
    case .largeInputs:
      "standardize the inputs, initialize with smaller weights, or normalize between layers"
    case .smallWeights:
      "initialize the kernels as He or Glorot do, and look for a factor that was applied to them"
    case .largeWeights:
      "initialize '\(weight ?? "")' as He or Glorot do, and look for a factor that was applied to it"
    case .depth:
      isEarly
        ? "use ReLU-like activations with He initialization, normalization or residual paths"
        : "look for units that saturated or died about \(onset); \(lower), or normalize between layers"
    case .depthGrowth:
      "initialize with smaller weights, and use normalization or residual paths between layers"
    case .firstDepth:
      "use ReLU-like activations with He initialization, normalization or residual paths"
    case .firstTiny:
      "initialize with larger weights, such as He's or Glorot's; check the scale of loss and inputs, and to what gradients are clipped"
    case .decay:
      "look for units that saturated or died about \(onset); \(lower), or normalize between layers"
    case .tiny:
      "check the scale of the loss and of the inputs, whether the outputs are saturated, and to what gradients are clipped"
    case .allZero, .deadUnits:
      isFromTheStart
        ? "use LeakyReLU or another initialization, and check biases and inputs for large negative values"
        : "\(lower), or use LeakyReLU; look at the steps before \(onset)"
    case .identical:
      last.learningRate == 0
        ? "raise the learning rate, which is 0"
        : "check that the optimizer holds these weights and is stepped, and its learning rate"
          + (last.learningRate.map { " of \($0.short)" } ?? "")
    case .flatLoss where hasRisen:
      "\(lower), and check the sign of the loss and that labels belong to inputs"
    case .flatLoss:
      "\(raise); check that the optimizer steps these weights, that labels belong to inputs and that the loss gets "
        + "logits where it expects them"
    case .stall: "\(raise), or look at what its schedule has made of it"
    case .turning: "\(lower), or the momentum"
    case .underflow, .silence:
      "scale the loss up (GradScaler, LossScaleOptimizer), or compute in bfloat16 or float32"
    case .held:
      severity == .critical
        ? "let it be trained: without it the loss has not come down yet"
        : "let it be trained, unless that is meant"
    case .never:
      "look for a detached tensor or an unused branch at '\(weight ?? "")'; if that is meant, freeze the weight"
    case .noLonger:
      "look at what changed in \(onset): a detached tensor, a branch not taken"
    case .accumulating:
      "clear gradients before each backward pass, in PyTorch with zero_grad()"
    case .noise:
      switch value {
      case 2...1000: "batches up to \(value.short) times as large would save steps"
      case 1000...: "much larger batches would save steps"
      case 0.5..<2: "leave the size of the batches as it is"
      default: "smaller batches would cost few more steps"
      }
    }
  }

  /// The batch in which it began.
  private var onset: String { "epoch \(first.epoch), batch \(first.batch)" }

  private var isFromTheStart: Bool { first.ordinal == 0 }

  /// Whether it began before the training had taught anything.
  private var isEarly: Bool { first.ordinal < 8 }

  /// Whether it is the steps that are too large.
  private var hasRisen: Bool {
    baseline.map { value > $0 + 0.2 * $0.magnitude } ?? false
  }

  private var lower: String { "lower the learning rate" + from(first.learningRate) }

  private var raise: String {
    last.learningRate == 0
      ? "raise the learning rate, which is 0" : "raise the learning rate" + from(last.learningRate)
  }

  private func from(_ rate: Double?) -> String {
    rate.map { $0 > 0 ? " from \($0.short)" : "" } ?? ""
  }

  /// Clipping to little more than what is usual does not touch healthy steps.
  private var clip: String {
    "clip gradients" + (baseline.map { " to a norm little above \($0.short)" } ?? " by norm")
  }
}
