import Testing

@testable import Gradlog

/// What is read aloud.
@Suite struct FindingTextTests {
  private static let symptoms: [Symptom] = [
    .nonFinite(nan: 1, posinf: 0, neginf: 0), .nonFinite(nan: 3, posinf: 2, neginf: 1),
    .nonFiniteLoss,
    .spike, .jump, .growth, .growthIntoNonFinite, .lossGrowth, .lossLevel, .size, .firstSize,
    .depth, .tiny,
    .allZero, .deadUnits, .identical, .flatLoss, .stall, .turning, .underflow, .silence, .held,
    .never,
    .noLonger, .accumulating, .noise,
  ]

  private func finding(
    _ symptom: Symptom, value: Double = 0.25, baseline: Double? = 2, isOver: Bool = false
  ) -> Finding {
    let place = BatchPlace(batchID: 1, epoch: 0, batch: 0, step: 0)
    var finding = Finding(
      rule: .exploding, weight: 0, severity: .warning, first: place, last: place, batchCount: 1,
      value: value, baseline: baseline, threshold: 1, symptom: symptom)
    finding.isOver = isOver
    return finding
  }

  @Test(arguments: symptoms, [1e-30, 0.004, 0.25, 0.999, 1, 12345, 1e300])
  func everyWordIsThere(symptom: Symptom, value: Double) {
    for name in ["dense/kernel", "größe 🏃", nil] {
      for isOver in [false, true] {
        let found = finding(symptom, value: value, isOver: isOver)
        let evidence = found.evidence(of: name)
        if name == nil, [.held, .never, .noLonger].contains(symptom) { continue }
        for sentence in [evidence, found.advice] {
          #expect(!sentence.isEmpty)
          for word in [
            "nan", "nothing", "none", "nil", "Optional", "\"\"", "  ", "-0 ", ". ", "\n",
          ] {
            // "next to nothing" and the like are other sentences.
            #expect(!sentence.split(separator: " ").contains(Substring(word)), "\(sentence)")
          }
          #expect(
            !sentence.contains("\"\"") && !sentence.contains("\n") && !sentence.contains("  "))
          #expect(!sentence.hasSuffix("."))
          // One sentence: no full stop but in numbers and names.
          #expect(sentence.firstMatch(of: /[a-z]\. [A-Z]/) == nil, "\(sentence)")
        }
        #expect(evidence.hasSuffix("; that is over") == isOver)
        #expect(evidence.first?.isUppercase == false)
      }
    }
  }

  @Test func namesAreQuoted() {
    let named: [Symptom] = [
      .nonFinite(nan: 1, posinf: 0, neginf: 0), .spike, .growth, .growthIntoNonFinite, .allZero,
      .deadUnits, .underflow, .held, .never, .noLonger,
    ]
    for symptom in named {
      #expect(finding(symptom).evidence(of: "a/b").contains("\"a/b\""), "\(symptom)")
    }
  }

  @Test func elementsAreCounted() {
    func text(_ nan: Int, _ posinf: Int, _ neginf: Int) -> String {
      finding(.nonFinite(nan: nan, posinf: posinf, neginf: neginf)).evidence(of: "w")
    }
    #expect(text(1, 0, 0) == "the gradient of \"w\" has 1 NaN element")
    #expect(text(0, 2, 0) == "the gradient of \"w\" has 2 +Inf elements")
    #expect(text(1, 1, 7) == "the gradient of \"w\" has 1 NaN, 1 +Inf, 7 -Inf elements")
  }

  @Test func whatIsNotQuiteAllIsNotSaidToBe() {
    #expect(finding(.deadUnits, value: 0.9999).evidence(of: "b").hasPrefix("over 99 % of"))
    #expect(finding(.deadUnits, value: 0.994).evidence(of: "b").hasPrefix("99 % or more of"))
    #expect(
      finding(.underflow, value: 6e-8, baseline: 0.9999).evidence(of: "b").hasPrefix("over 99 %"))
  }

  @Test func aLossThatRoseHasNotFallen() {
    for fall in [-1, -0.004, 0, 0.004] {
      #expect(
        finding(.flatLoss, value: fall, baseline: 2.3).evidence(of: nil)
          == "the loss is no lower than the 2.3 that it began with")
    }
    #expect(
      finding(.flatLoss, value: 0.01, baseline: 2.3).evidence(of: nil)
        == "the loss has fallen by no more than 1 % of the 2.3 that it began with")
  }

  @Test func factorsAreWhatTheySay() {
    #expect(
      finding(.depth, value: 1e-6, baseline: 1e-2).evidence(of: nil)
        == "the first kernels' gradients are about 1e-06 an element, the last ones' 0.01: 1e+04 times as large"
    )
    #expect(
      finding(.lossGrowth, value: 6, baseline: 2).evidence(of: nil)
        == "the loss rose from about 2 to 6, which is 3 times as much")
  }
}
