import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// Which of several findings is named first, where the order in which they began does not tell.
struct StoryCauseTests {
  private func finding(
    _ rule: Rule, _ severity: Rule.Severity = .critical, _ weight: String? = nil,
    position: Int? = nil, at step: Int, value: Double = 1
  ) -> DiagnosedFinding {
    .made(
      rule, severity, weight, position: position, at: step, until: 200,
      rule == .dead && value >= 1 ? .allZero : nil, value: value)
  }

  private func dead(_ position: Int, at step: Int, value: Double = 1) -> DiagnosedFinding {
    finding(.dead, .critical, "w\(position)", position: position, at: step, value: value)
  }

  private func cause(_ findings: [DiagnosedFinding]) -> String? {
    func first(_ findings: [DiagnosedFinding]) -> String? {
      Story.stories(of: findings).first.map {
        "\($0.cause.rule.rawValue) \($0.cause.weight ?? "-")"
      }
    }
    let cause = first(findings)
    // Whatever the order they come in.
    return first(findings.reversed()) == cause ? cause : "it depends on the order"
  }

  /// A training that learned in spite of dead units or small gradients is ended by a NaN all the same.
  @Test(arguments: [Rule.dead, .vanishing])
  func aNaNOutranksWhatATrainingLivedWith(_ rule: Rule) {
    let nan = finding(.nonFinite, .critical, "b", position: 5, at: 150)
    #expect(cause([finding(rule, .critical, "a", position: 1, at: 0), nan]) == "nonfinite b")
    // Not as a mere information, such as an overflow that is skipped.
    let skipped = finding(.nonFinite, .info, "b", position: 5, at: 150)
    #expect(
      cause([finding(rule, .critical, "a", position: 1, at: 0), skipped]) == "\(rule.rawValue) a")
  }

  @Test(arguments: [Rule.exploding, .absent, .accumulating, .underflow])
  func aNaNFollowsFromWhatLeadsToIt(_ rule: Rule) {
    let nan = finding(.nonFinite, .critical, "b", position: 5, at: 150)
    #expect(
      cause([finding(rule, .critical, "a", position: 1, at: 100), nan]) == "\(rule.rawValue) a")
  }

  @Test func whatATrainingLivedWithIsAStoryOfItsOwn() {
    let stories = Story.stories(of: [
      finding(.vanishing, .critical, "a", position: 0, at: 0),
      finding(.nonFinite, .critical, "b", position: 5, at: 150),
    ])
    #expect(stories.map(\.cause.rule) == [.nonFinite, .vanishing])
  }

  /// A kernel, its bias, and the scale and shift after them: the kernel is not among them.
  @Test func ofADeadLayerTheFirstWeightIsNamed() {
    #expect(cause([dead(5, at: 60), dead(6, at: 60), dead(7, at: 60)]) == "dead w5")
    #expect(cause([dead(5, at: 60), dead(6, at: 62), dead(7, at: 58)]) == "dead w5")
    // Layers before it get no gradient any more.
    let before = [dead(1, at: 60), dead(2, at: 60)]
    #expect(cause(before + [dead(5, at: 60), dead(6, at: 60)]) == "dead w5")
    // A kernel between them makes two layers.
    #expect(cause([dead(5, at: 60), dead(7, at: 60)]) == "dead w7")
  }

  @Test func anotherTroubleBesideItIsNoPartOfTheLayer() {
    #expect(
      cause([
        finding(.vanishing, .critical, "w6", position: 6, at: 60), dead(7, at: 60),
      ]) == "dead w7")
    // Its bias was called dead, but lives again.
    #expect(
      cause([finding(.dead, .warning, "w6", position: 6, at: 60), dead(7, at: 60)]) == "dead w7")
  }

  @Test func ofLayersThatNeverLivedTheFirstIsNamed() {
    #expect(cause([dead(1, at: 0), dead(4, at: 0), dead(7, at: 0)]) == "dead w1")
    #expect(cause([dead(4, at: 0), dead(5, at: 0), dead(9, at: 0)]) == "dead w4")
  }

  @Test func whereSomeUnitsLiveTheLayerNearestToTheInputIsNamed() {
    #expect(
      cause([dead(1, at: 60, value: 0.9), dead(4, at: 60, value: 0.9)]) == "dead w1")
  }
}
