import Testing

@testable import Gradlog

@Suite struct FindingLineTests {
  private func finding(
    _ rule: Rule = .nonFinite, _ severity: Rule.Severity = .critical, _ weight: String? = "w",
    batch: Int = 4, optimizer: String = ""
  ) -> LiveFinding {
    var place = BatchPlace(batchID: 1, epoch: 2, batch: batch, step: 9)
    place.ordinal = 9
    let finding = Finding(
      rule: rule, weight: weight == nil ? nil : 0, optimizer: 0, severity: severity, first: place,
      last: place, batchCount: 1, value: 1, baseline: nil, threshold: 0,
      symptom: weight == nil ? .nonFiniteLoss : .nonFinite(nan: 1, posinf: 0, neginf: 0))
    return LiveFinding(finding, of: weight, optimizer: optimizer)
  }

  private func lines(_ findings: [LiveFinding], run: String = "mlp", rank: Int = 0) -> [String] {
    FindingLines(run: run, rank: rank).lines(of: findings)
  }

  @Test func aLineSaysRunPlaceRuleWeightAndEvidence() {
    #expect(
      lines([finding()]) == [
        "run \"mlp\": critical nonfinite in 'w' since epoch 2, batch 4: "
          + "the gradient of 'w' has 1 NaN element"
      ])
    #expect(
      lines([finding(.nonFinite, .critical, nil)], rank: 3) == [
        "run \"mlp\" rank 3: critical nonfinite in the network since epoch 2, batch 4: "
          + "the loss is NaN or infinite, though the gradients are finite"
      ])
  }

  @Test func whatBeginsInManyWeightsIsOneLine() {
    let many = (0..<40).map { finding(.nonFinite, .critical, "layer\($0)") }
    #expect(
      lines(many)[0].hasPrefix(
        "run \"mlp\": critical nonfinite in 'layer0' and 39 more weights since"))
    #expect(lines(Array(many.prefix(2)))[0].contains("in 'layer0' and 1 more weight since"))
    #expect(lines(many).count == 1)
    let mixed =
      many + [
        finding(.exploding, .warning), finding(.nonFinite, .warning),
        finding(.nonFinite, .critical, nil),
      ]
    #expect(lines(mixed).map { $0.prefix(42) }.count == 3)
    #expect(lines(mixed)[0].contains("critical nonfinite in the network and 40 more weights"))
  }

  @Test func anOptimizerThatHasANameIsNamed() {
    let critic = (0..<2).map { finding(.nonFinite, .critical, "layer\($0)", optimizer: "critic") }
    #expect(lines(critic)[0].contains("in 'layer0' and 1 more weight of optimizer 'critic' since"))
    #expect(
      critic[0].description.hasPrefix("critical nonfinite of optimizer 'critic' since epoch 2"))
    #expect(finding().description.hasPrefix("critical nonfinite since epoch 2"))
    let lines = lines([finding(.nonFinite, .critical, nil, optimizer: "\n\u{1B}")])
    #expect(lines[0].contains("in the network of optimizer '\\n\\u{1B}' since"), "\(lines)")
  }

  @Test func whateverIsInANameItIsOneLine() {
    let names = [
      "a\nb", "\r\n", "\u{1B}[31mred", "\u{2028}", "日本", String(repeating: "x", count: 5000),
    ]
    for name in names {
      let line = lines([finding(.nonFinite, .critical, name)], run: name)[0]
      #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control })
      #expect(!line.contains(where: \.isNewline) && line.utf8.count <= 4000, "\(line)")
    }
    #expect(lines([finding(.nonFinite, .critical, "日本")])[0].contains("日本"))
  }
}
