import Testing

@testable import Gradlog

/// What is read aloud.
@Suite struct FindingTextTests {
  /// What each symptom is to say; a new one has no case in ``everySymptomIsThere``.
  struct Words: Sendable, CustomTestStringConvertible {
    let symptom: Symptom
    var value = 12.0
    var baseline: Double?
    var severity = Rule.Severity.critical
    let evidence: String
    let over: String
    let advice: String
    var testDescription: String { "\(symptom) \(value)" }
  }

  static let words: [Words] = [
    Words(
      symptom: .nonFinite(nan: 1, posinf: 0, neginf: 0), value: 1,
      evidence: "the gradient of 'w' has 1 NaN element",
      over: "the gradient of 'w' has 1 NaN element",
      advice:
        "look for NaN in the data of epoch 3, batch 17, and for logarithms, roots and divisions in the "
        + "loss; else lower the learning rate from 0.1"),
    Words(
      symptom: .nonFinite(nan: 0, posinf: 2, neginf: 0), value: 2, severity: .info,
      evidence: "the gradient of 'w' has 2 +Inf elements",
      over: "the gradient of 'w' has 2 +Inf elements",
      advice: "nothing, unless it goes on: so the scale of the loss is found"),
    Words(
      symptom: .nonFiniteLoss, value: 1,
      evidence: "the loss is NaN or infinite, though the gradients are finite",
      over: "the loss is NaN or infinite, though the gradients are finite",
      advice:
        "look for NaN in the data of epoch 3, batch 17, and for logarithms, roots and divisions in the "
        + "loss; else lower the learning rate from 0.1"),
    Words(
      symptom: .spike, baseline: 0.428, severity: .warning,
      evidence: "the norm of the whole gradient jumped from about 0.428 to 12, most of all in 'w'",
      over: "the norm of the whole gradient jumped from about 0.428 to 12, most of all in 'w'",
      advice:
        "look at the data of epoch 3, batch 17; clip gradients to a norm little above 0.428 if it comes again"
    ),
    Words(
      symptom: .jump, baseline: 0.428,
      evidence: "the norm of the whole gradient jumped from about 0.428 to 12, most of all in 'w'",
      over: "the norm of the whole gradient jumped from about 0.428 to 12, most of all in 'w'",
      advice:
        "lower the learning rate from 0.1, or clip gradients to a norm little above 0.428; look at the data of epoch 3, "
        + "batch 17"),
    Words(
      symptom: .growth, baseline: 0.428,
      evidence:
        "the norm of the whole gradient rose from about 0.428 to 12 and stayed there, most of all in 'w'",
      over:
        "the norm of the whole gradient rose from about 0.428 to 12 and stayed there, most of all in 'w'",
      advice:
        "lower the learning rate from 0.1, or clip gradients to a norm little above 0.428; look at the data of epoch 3, "
        + "batch 17"),
    Words(
      symptom: .growthIntoNonFinite, value: 5.76e13, baseline: 168,
      evidence:
        "the norm of the whole gradient rose from about 168 to 5.76e13 before it became NaN or infinite, most of all in 'w'",
      over:
        "the norm of the whole gradient rose from about 168 to 5.76e13 before it became NaN or infinite, most of all in 'w'",
      advice:
        "lower the learning rate from 0.1, or clip gradients to a norm little above 168; look at the data of epoch 3, "
        + "batch 17"),
    Words(
      symptom: .lossGrowth, value: 8436.2, baseline: 2,
      evidence: "the loss rose from about 2 to 8440, 4220 times as high",
      over:
        "the loss rose from about 2 to 8440, 4220 times as high, and stayed there, until epoch 4, batch 2",
      advice:
        "lower the learning rate from 0.1, or clip gradients by norm; look at the data of epoch 3, batch 17"
    ),
    Words(
      symptom: .lossLevel, value: 45.27, baseline: 2.302585,
      evidence: "the loss is 45.3, where guessing gives 2.3",
      over: "the loss was 45.3, where guessing gives 2.3, until epoch 4, batch 2",
      advice:
        "initialize with smaller weights, those of the last layer above all, and standardize the inputs"
    ),
    Words(
      symptom: .size, value: 2.5e11, evidence: "the norm of the whole gradient reached 2.5e11",
      over: "the norm of the whole gradient reached 2.5e11",
      advice:
        "lower the learning rate from 0.1, standardize inputs and targets, clip gradients by norm"),
    Words(
      symptom: .firstSize,
      evidence: "the gradient of 'w' was about 12 an element in each of the first batches",
      over: "the gradient of 'w' was about 12 an element in each of the first batches",
      advice:
        "standardize inputs and targets, and check the scale of the initialization and of the loss"),
    Words(
      symptom: .largeInputs, value: 176,
      evidence:
        "in the first batches the inputs of the last layer were about 176 in size, as the gradients of its kernel and bias tell",
      over:
        "in the first batches the inputs of the last layer were about 176 in size, as the gradients of its kernel and bias tell",
      advice:
        "standardize the inputs, initialize with smaller weights, or normalize between layers"),
    Words(
      symptom: .smallWeights, value: 0.0213,
      evidence:
        "the kernels began with values far smaller than usual: root mean square times the root of the layer's width was about 0.0213, where 0.5 to 1.5 is common",
      over:
        "the kernels began with values far smaller than usual: root mean square times the root of the layer's width was about 0.0213, where 0.5 to 1.5 is common",
      advice:
        "initialize the kernels as He or Glorot do, and look for a factor that was applied to them"),
    Words(
      symptom: .largeWeights, value: 40.3,
      evidence:
        "'w' began with values far larger than usual: root mean square times the root of the layer's width was about 40.3, where 0.5 to 1.5 is common",
      over:
        "'w' began with values far larger than usual: root mean square times the root of the layer's width was about 40.3, where 0.5 to 1.5 is common",
      advice: "initialize 'w' as He or Glorot do, and look for a factor that was applied to it"),
    Words(
      symptom: .depth, value: 1.624e-5, baseline: 0.0048,
      evidence:
        "the gradients of the first kernels are about 1.62e-5 an element, those of the last 0.0048",
      over:
        "the gradients of the first kernels were about 1.62e-5 an element, those of the last 0.0048, until epoch 4, batch 2",
      advice:
        "look for units that saturated or died about epoch 3, batch 17; lower the learning rate from 0.1, or normalize "
        + "between layers"),
    Words(
      symptom: .depthGrowth, baseline: 0.02,
      evidence:
        "the gradients of the first kernels are about 12 an element, those of the last 0.02",
      over:
        "the gradients of the first kernels were about 12 an element, those of the last 0.02, until epoch 4, batch 2",
      advice:
        "initialize with smaller weights, and use normalization or residual paths between layers"),
    Words(
      symptom: .firstDepth, value: 3e-6, baseline: 0.02,
      evidence:
        "in the first batches the gradient of 'w' was about 3e-6 an element, the largest 0.02, and the loss has not "
        + "come down since",
      over:
        "in the first batches the gradient of 'w' was about 3e-6 an element, the largest 0.02, and the loss has not "
        + "come down since",
      advice: "use ReLU-like activations with He initialization, normalization or residual paths"),
    Words(
      symptom: .firstTiny, value: 3e-6,
      evidence:
        "in the first batches no kernel's gradient was larger than 3e-6 an element, and not much has been learned since",
      over:
        "in the first batches no kernel's gradient was larger than 3e-6 an element, and not much has been learned since",
      advice:
        "initialize with larger weights, such as He's or Glorot's; check the scale of loss and inputs, and to what gradients are clipped"
    ),
    Words(
      symptom: .decay, value: 3e-6, baseline: 0.02,
      evidence:
        "the norm of the whole gradient decayed from about 0.02 to 3e-6, though the loss had not come down",
      over:
        "the norm of the whole gradient decayed from about 0.02 to 3e-6, though the loss had not come down",
      advice:
        "look for units that saturated or died about epoch 3, batch 17; lower the learning rate from 0.1, or normalize "
        + "between layers"),
    Words(
      symptom: .tiny, value: 3e-12,
      evidence: "no kernel's gradient is larger than 3e-12 an element",
      over: "no kernel's gradient was larger than 3e-12 an element, until epoch 4, batch 2",
      advice:
        "check the scale of the loss and of the inputs, whether the outputs are saturated, and to what gradients are clipped"
    ),
    Words(
      symptom: .allZero, value: 1,
      evidence: "every element of the gradient of 'w' is zero, batch after batch",
      over:
        "every element of the gradient of 'w' was zero, batch after batch, until epoch 4, batch 2",
      advice:
        "lower the learning rate from 0.1, or use LeakyReLU; look at the steps before epoch 3, batch 17"
    ),
    Words(
      symptom: .deadUnits, value: 0.6875,
      evidence: "at least 68 % of the elements of the gradient of 'w' are zero in every batch",
      over:
        "at least 68 % of the elements of the gradient of 'w' were zero in every batch, until epoch 4, batch 2",
      advice:
        "lower the learning rate from 0.1, or use LeakyReLU; look at the steps before epoch 3, batch 17"
    ),
    Words(
      symptom: .identical,
      evidence: "each gradient is the same as the one before, 12 batches in a row",
      over:
        "each gradient was the same as the one before, 12 batches in a row, until epoch 4, batch 2",
      advice:
        "check that the optimizer holds these weights and is stepped, and its learning rate of 0.2"),
    Words(
      symptom: .flatLoss, value: 2.3, baseline: 2.305,
      evidence: "the loss is no lower than the 2.31 of the first batches",
      over: "the loss was no lower than the 2.31 of the first batches, until epoch 4, batch 2",
      advice:
        "raise the learning rate from 0.2; check that the optimizer steps these weights, that labels belong to inputs "
        + "and that the loss gets logits where it expects them"),
    Words(
      symptom: .flatLoss, value: 2.277, baseline: 2.3,
      evidence: "the loss has fallen by only 1 % of the 2.3 of the first batches",
      over:
        "the loss had fallen by only 1 % of the 2.3 of the first batches, until epoch 4, batch 2",
      advice:
        "raise the learning rate from 0.2; check that the optimizer steps these weights, that labels belong to inputs "
        + "and that the loss gets logits where it expects them"),
    Words(
      symptom: .flatLoss, value: 1.63, baseline: 2.42,
      evidence: "the loss has fallen only from 2.42 to 1.63, within its noise",
      over: "the loss had fallen only from 2.42 to 1.63, within its noise, until epoch 4, batch 2",
      advice:
        "raise the learning rate from 0.2; check that the optimizer steps these weights, that labels belong to inputs "
        + "and that the loss gets logits where it expects them"),
    Words(
      symptom: .flatLoss, value: 12, baseline: 2.3,
      evidence: "the loss rose from about 2.3 at first to 12",
      over: "the loss rose from about 2.3 at first to 12, until epoch 4, batch 2",
      advice:
        "lower the learning rate from 0.1, and check the sign of the loss and that labels belong to inputs"
    ),
    Words(
      symptom: .stall, value: 0.000303,
      evidence:
        "neighbouring gradients agree, and yet their norm changed by no more than 0.03 % in 96 batches",
      over:
        "neighbouring gradients agreed, and yet their norm changed by no more than 0.03 % in 96 batches, until epoch 4, batch 2",
      advice: "raise the learning rate from 0.2, or look at what its schedule has made of it"),
    Words(
      symptom: .turning, value: -0.4987,
      evidence: "each gradient points against the one before, with a median cosine of -0.499",
      over:
        "each gradient pointed against the one before, with a median cosine of -0.499, until epoch 4, batch 2",
      advice: "lower the learning rate from 0.1, or the momentum"),
    Words(
      symptom: .underflow, value: 0.9999,
      evidence:
        "over 99 % of the elements of the gradient of 'w' are zero and the others close to 6e-8, the smallest float16",
      over:
        "over 99 % of the elements of the gradient of 'w' were zero and the others close to 6e-8, the smallest "
        + "float16, until epoch 4, batch 2",
      advice:
        "scale the loss up (GradScaler, LossScaleOptimizer), or compute in bfloat16 or float32"),
    Words(
      symptom: .underflow, value: 1,
      evidence:
        "the gradient of 'w' is zero throughout, and others are close to 6e-8, the smallest float16",
      over:
        "the gradient of 'w' was zero throughout, and others were close to 6e-8, the smallest float16, until epoch "
        + "4, batch 2",
      advice:
        "scale the loss up (GradScaler, LossScaleOptimizer), or compute in bfloat16 or float32"),
    Words(
      symptom: .silence, value: 1.07e-6,
      evidence: "every gradient is zero from the first batch on, while the loss is 1.07e-6",
      over:
        "every gradient was zero from the first batch on, while the loss was 1.07e-6, until epoch 4, batch 2",
      advice:
        "scale the loss up (GradScaler, LossScaleOptimizer), or compute in bfloat16 or float32"),
    Words(
      symptom: .silence, value: 0, evidence: "every gradient is zero from the first batch on",
      over: "every gradient was zero from the first batch on, until epoch 4, batch 2",
      advice:
        "scale the loss up (GradScaler, LossScaleOptimizer), or compute in bfloat16 or float32"),
    Words(
      symptom: .held, evidence: "'w' is held fixed",
      over: "'w' was held fixed, until epoch 4, batch 2",
      advice: "let it be trained: without it the loss has not come down yet"),
    Words(
      symptom: .held, severity: .info, evidence: "'w' is held fixed",
      over: "'w' was held fixed, until epoch 4, batch 2",
      advice: "let it be trained, unless that is meant"),
    Words(
      symptom: .never, evidence: "'w' never received a gradient",
      over: "'w' received no gradient, until epoch 4, batch 2",
      advice:
        "look for a detached tensor or an unused branch at 'w'; if that is meant, freeze the weight"
    ),
    Words(
      symptom: .noLonger, evidence: "'w' no longer receives a gradient",
      over: "'w' received no gradient, until epoch 4, batch 2",
      advice: "look at what changed in epoch 3, batch 17: a detached tensor, a branch not taken"),
    Words(
      symptom: .accumulating, baseline: 1.1,
      evidence:
        "each gradient seems to contain the one before: their norm rose from 1.1 to 12, and they hardly turn",
      over:
        "each gradient seems to contain the one before: their norm rose from 1.1 to 12, and they hardly turn",
      advice: "clear gradients before each backward pass, in PyTorch with zero_grad()"),
    Words(
      symptom: .noise, severity: .info,
      evidence: "the noise in a batch's gradient is 12 times its signal (simple noise scale)",
      over: "the noise in a batch's gradient is 12 times its signal (simple noise scale)",
      advice: "batches up to 12 times as large would save steps"),
    Words(
      symptom: .noise, value: 1e-9, severity: .info,
      evidence: "neighbouring batches have nearly the same gradient",
      over: "neighbouring batches have nearly the same gradient",
      advice: "smaller batches would cost few more steps"),
  ]

  /// A finding from step 20 on, under a learning rate of 0.1, and of 0.2 at the end.
  private func finding(_ words: Words, isOver: Bool = false, from ordinal: Int = 20) -> Finding {
    var first = BatchPlace(batchID: 20, epoch: 3, batch: 17, step: ordinal, learningRate: 0.1)
    first.ordinal = ordinal
    let last = BatchPlace(batchID: 22, epoch: 4, batch: 2, step: 22, learningRate: 0.2)
    var finding = Finding(
      rule: .exploding, weight: 0, optimizer: 0, severity: words.severity, first: first, last: last,
      batchCount: 3, value: words.value, baseline: words.baseline, threshold: 1,
      symptom: words.symptom)
    finding.isOver = isOver
    return finding
  }

  @Test(arguments: words) func aSymptomIsTold(_ words: Words) {
    let (now, past) = (finding(words), finding(words, isOver: true))
    #expect(now.evidence(of: "w") == words.evidence)
    #expect(past.evidence(of: "w") == words.over)
    #expect(now.advice(of: "w") == words.advice)
    #expect(
      past.advice(of: "w")
        == (words.symptom == .flatLoss
          ? "nothing: the loss has come down since" : "if it comes again, " + words.advice))
    for sentence in [words.evidence, words.over, words.advice] {
      #expect(sentence.split(separator: " ").count <= 28, "\(sentence)")
    }
  }

  /// The compiler names the symptom for which this list, and the one above, have no case.
  @Test func everySymptomIsThere() {
    func number(_ symptom: Symptom) -> Int {
      switch symptom {
      case .nonFinite: 0
      case .nonFiniteLoss: 1
      case .spike: 2
      case .jump: 3
      case .growth: 4
      case .growthIntoNonFinite: 5
      case .lossGrowth: 6
      case .lossLevel: 7
      case .size: 8
      case .firstSize: 9
      case .depth: 10
      case .tiny: 11
      case .allZero: 12
      case .deadUnits: 13
      case .identical: 14
      case .flatLoss: 15
      case .stall: 16
      case .turning: 17
      case .underflow: 18
      case .silence: 19
      case .held: 20
      case .never: 21
      case .noLonger: 22
      case .accumulating: 23
      case .noise: 24
      case .depthGrowth: 25
      case .firstDepth: 26
      case .firstTiny: 27
      case .decay: 28
      case .largeInputs: 29
      case .smallWeights: 30
      case .largeWeights: 31
      }
    }
    #expect(Set(Self.words.map { number($0.symptom) }) == Set(0...31))
  }

  /// What begins with the training is not the fault of a step.
  @Test func adviceKnowsWhenItBegan() {
    func advice(_ symptom: Symptom, from ordinal: Int, baseline: Double? = nil) -> String {
      let words = Words(
        symptom: symptom, baseline: baseline, evidence: "", over: "", advice: "")
      return finding(words, from: ordinal).advice(of: "w")
    }
    #expect(
      advice(.nonFiniteLoss, from: 0)
        == "look for NaN in inputs, targets and first weights, and for logarithms, roots and divisions in the loss"
    )
    #expect(
      advice(.allZero, from: 0)
        == "use LeakyReLU or another initialization, and check biases and inputs for large negative values"
    )
    #expect(
      advice(.depth, from: 3)
        == "use ReLU-like activations with He initialization, normalization or residual paths")
    #expect(
      advice(.size, from: 0)
        == "standardize inputs and targets, and check the scale of the initialization and of the loss"
    )
    // A spike of which units died was no mere spike.
    #expect(
      advice(.spike, from: 3, baseline: 2)
        == "lower the learning rate from 0.1, standardize inputs and targets, clip gradients to a norm little above 2"
    )
    #expect(
      advice(.growth, from: 3, baseline: 2)
        == "lower the learning rate from 0.1, standardize inputs and targets, clip gradients to a norm little above 2"
    )
    #expect(
      advice(.lossGrowth, from: 3, baseline: 2)
        == "lower the learning rate from 0.1, standardize inputs and targets, clip gradients by norm"
    )
  }

  @Test func aRateThatIsUnknownOrZeroIsNoNumber() {
    func advice(_ symptom: Symptom, _ rate: Double?) -> String {
      let place = BatchPlace(batchID: 1, epoch: 0, batch: 0, step: 0, learningRate: rate)
      return Finding(
        rule: .stagnation, weight: nil, optimizer: 0, severity: .critical, first: place,
        last: place,
        batchCount: 1, value: 1, baseline: nil, threshold: 1, symptom: symptom
      ).advice(of: nil)
    }
    for rate in [nil, Double.nan, .infinity] {
      #expect(advice(.turning, rate) == "lower the learning rate, or the momentum")
      #expect(
        advice(.stall, rate)
          == "raise the learning rate, or look at what its schedule has made of it")
    }
    #expect(advice(.turning, 0) == "lower the learning rate, or the momentum")
    #expect(advice(.identical, 0) == "raise the learning rate, which is 0")
    #expect(advice(.stall, 0).hasPrefix("raise the learning rate, which is 0, or"))
  }

  @Test func noiseIsWeighed() {
    func advice(_ value: Double) -> String {
      finding(Words(symptom: .noise, value: value, evidence: "", over: "", advice: ""))
        .advice(of: nil)
    }
    #expect(advice(0) == "smaller batches would cost few more steps")
    #expect(advice(1) == "leave the size of the batches as it is")
    #expect(advice(2.5) == "batches up to 2.5 times as large would save steps")
    #expect(advice(9e4) == "much larger batches would save steps")
  }

  /// Whatever the numbers and the name are, there is a sentence.
  @Test(arguments: [
    -1e300, -1, -0.0, Double.leastNonzeroMagnitude, 0.004, 0.999, 1, 12345, 1e300, .infinity,
  ])
  func anyNumberCanBeTold(value: Double) {
    for words in Self.words {
      for baseline: Double? in [nil, -1, 0, .leastNonzeroMagnitude, 2, 1e300] {
        let words = Words(
          symptom: words.symptom, value: value, baseline: baseline, evidence: "", over: "",
          advice: "")
        for name in ["größe 🏃", nil] {
          for isOver in [false, true] {
            let found = finding(words, isOver: isOver)
            for sentence in [found.evidence(of: name), found.advice(of: name)] {
              #expect(!sentence.isEmpty && !sentence.hasSuffix(".") && !sentence.contains("  "))
              for word in ["nan", "nil", "inf", "Optional", "-0", "e+", "e0", "-0 %"] {
                #expect(
                  !sentence.split(whereSeparator: { " ,;:".contains($0) }).contains(word[...]),
                  "\(sentence)")
              }
            }
          }
        }
      }
    }
  }

  @Test func severalKindsOfElementsAreCounted() {
    func text(_ nan: Int, _ posinf: Int, _ neginf: Int) -> String {
      finding(
        Words(
          symptom: .nonFinite(nan: nan, posinf: posinf, neginf: neginf), evidence: "", over: "",
          advice: "")
      ).evidence(of: "w")
    }
    #expect(text(1, 1, 0) == "the gradient of 'w' has 1 NaN and 1 +Inf elements")
    #expect(text(1, 1, 7) == "the gradient of 'w' has 1 NaN, 1 +Inf and 7 -Inf elements")
  }
}
