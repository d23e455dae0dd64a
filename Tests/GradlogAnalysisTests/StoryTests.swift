import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// Which finding is the cause, and which ones follow from it.
struct StoryTests {
  private func finding(
    _ rule: Rule, _ severity: Rule.Severity = .critical, _ weight: String? = nil,
    position: Int? = nil, at step: Int, until last: Int? = nil, _ symptom: Symptom? = nil
  ) -> DiagnosedFinding {
    .made(rule, severity, weight, position: position, at: step, until: last ?? step, symptom)
  }

  private func told(_ findings: [DiagnosedFinding]) -> [[String]] {
    Story.stories(of: findings).map { story in
      story.findings.map { "\($0.rule.rawValue)@\($0.first.step)" }
    }
  }

  @Test func anExplosionThatEndsInNaNIsOneStory() {
    let nonFinite = (0..<40).map { (position: Int) in
      finding(.nonFinite, .critical, "w\(position)", position: position, at: 15)
    }
    let stories = Story.stories(
      of: nonFinite + [
        finding(.stagnation, at: 60), finding(.exploding, .critical, "w7", position: 7, at: 12),
        finding(.dead, .warning, "w3", position: 3, at: 13),
      ])
    #expect(stories.count == 1)
    #expect(stories[0].findings.count == 43)
    #expect(stories[0].cause.rule == .exploding && stories[0].cause.weight == "w7")
    let lines = stories[0].lines.map { "\($0.finding.rule.rawValue) +\($0.others.count)" }
    #expect(lines == ["exploding +0", "dead +0", "nonfinite +39", "stagnation +0"])
    #expect(stories[0].lines[2].finding.weight == "w0")
  }

  /// The rules need some batches to be sure, so that their order says little when they begin together.
  @Test func amongTroublesThatBeginTogetherTheOneThatLeadsToTheOthersIsTheCause() {
    #expect(
      told([finding(.nonFinite, at: 10), finding(.exploding, at: 14)]).first?.first
        == "exploding@14")
    #expect(
      told([finding(.nonFinite, at: 10), finding(.exploding, at: 16)]).first?.first
        == "nonfinite@10")
    #expect(
      told([finding(.stagnation, at: 0), finding(.vanishing, at: 3), finding(.underflow, at: 5)])
        == [["underflow@5", "vanishing@3", "stagnation@0"]])
  }

  @Test func weightsThatBeganTooSmallComeBeforeAllThatTheStepsDid() {
    let small = finding(.vanishing, .critical, "k", at: 0, .smallWeights)
    #expect(
      told([finding(.dead, .critical, "b", at: 2), finding(.stagnation, at: 0), small])
        == [["vanishing@0", "dead@2", "stagnation@0"]])
    // Any other vanishing follows from the units that died.
    #expect(
      told([
        finding(.dead, .critical, "b", at: 2), finding(.vanishing, .critical, "k", at: 0, .depth),
      ]) == [["dead@2", "vanishing@0"]])
  }

  @Test func theWeightNearestToTheInputIsTheCause() {
    let stories = Story.stories(of: [
      finding(.nonFinite, .critical, "late", position: 9, at: 4),
      finding(.nonFinite, .critical, "early", position: 2, at: 4),
      finding(.nonFinite, .critical, "first", position: 0, at: 6),
    ])
    #expect(stories.map { $0.findings.map(\.weight) } == [["early", "late", "first"]])
  }

  @Test func whatCannotFollowIsAnotherStory() {
    #expect(
      told([finding(.vanishing, at: 0), finding(.exploding, at: 40)])
        == [["vanishing@0"], ["exploding@40"]])
    // What was there long before is no consequence, though it could be.
    #expect(
      told([finding(.dead, .warning, at: 0), finding(.exploding, at: 40)])
        == [["exploding@40"], ["dead@0"]])
    // A consequence of a consequence belongs to the story.
    #expect(
      told([finding(.absent, at: 0), finding(.dead, at: 20), finding(.vanishing, at: 30)])
        == [["absent@0", "dead@20", "vanishing@30"]])
  }

  @Test func theWorstComesFirstAndInformationLast() {
    #expect(
      told([
        finding(.noiseScale, .info, at: 0), finding(.absent, .warning, at: 0),
        finding(.oscillation, .critical, at: 80),
      ]) == [["oscillation@80"], ["absent@0"], ["noise-scale@0"]])
    #expect(told([]).isEmpty)
  }

  /// A loss that does not fall is dated from the first batch on, whatever holds it up; one that came down before has
  /// another cause.
  @Test func aLossThatDoesNotFallFollowsFromWhatHoldsItUp() {
    #expect(
      told([
        finding(.stagnation, at: 0, until: 200), finding(.exploding, at: 90),
        finding(.dead, at: 95),
      ]) == [["exploding@90", "dead@95", "stagnation@0"]])
    #expect(
      told([finding(.stagnation, .warning, at: 0, until: 70), finding(.exploding, at: 90)])
        == [["exploding@90"], ["stagnation@0"]])
    #expect(
      told([finding(.stagnation, at: 0, until: 200, .identical), finding(.exploding, at: 90)])
        == [["exploding@90"], ["stagnation@0"]])
  }

  @Test func whatIsFrozenHasALineOfItsOwn() {
    let story = Story.stories(of: [
      finding(.absent, .critical, "a", position: 0, at: 0),
      finding(.absent, .critical, "b", position: 1, at: 0),
      finding(.absent, .info, "c", position: 2, at: 0, .held),
    ])[0]
    #expect(story.lines.map(\.finding.weight) == ["a", "c"])
    #expect(story.lines.map(\.otherWeights) == [1, 0])
  }

  @Test func theVerdictIsThatOfTheWorst() {
    func verdict(_ findings: [DiagnosedFinding]) -> (Diagnosis.Verdict, Rule?) {
      let diagnosis = Diagnosis(
        run: "r", rank: 0, batches: 9, weights: 1, stories: Story.stories(of: findings),
        profile: DepthProfile(kernels: [], batches: 0, window: .wholeRun))
      return (diagnosis.verdict, diagnosis.class)
    }
    #expect(verdict([finding(.noiseScale, .info, at: 0)]) == (.healthy, nil))
    #expect(verdict([finding(.dead, .warning, at: 0)]) == (.warning, .dead))
    #expect(
      verdict([finding(.dead, .warning, at: 0), finding(.exploding, at: 9)]) == (.sick, .exploding))
  }
}
