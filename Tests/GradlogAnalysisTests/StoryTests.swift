import Gradlog
import Testing

@testable import GradlogAnalysis

/// Which finding is the cause, and which ones follow from it.
struct StoryTests {
  private func finding(
    _ rule: Rule, _ severity: Rule.Severity = .critical, _ weight: String? = nil,
    position: Int? = nil, at step: Int
  ) -> DiagnosedFinding {
    let place = DiagnosedFinding.Place(epoch: 0, batch: step, step: step, batchID: Int64(step))
    return DiagnosedFinding(
      rule: rule, severity: severity, weight: weight, position: position, first: place, last: place,
      batches: 1, value: 1, baseline: nil, threshold: 0, evidence: "seen", advice: "do")
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
        == [["underflow@5", "stagnation@0", "vanishing@3"]])
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

  @Test func aSentenceSaysWhatWhereAndWhatCameOfIt() {
    func sentence(_ findings: [DiagnosedFinding], batches: Int = 100) -> String {
      Diagnosis(
        run: "r", rank: 0, batches: batches, weights: 8, stories: Story.stories(of: findings),
        profile: DepthProfile(kernels: [], batches: 0, window: .wholeRun)
      ).sentence
    }
    #expect(sentence([]) == "No rule is broken in 100 batches of 8 weights.")
    #expect(sentence([], batches: 0) == "Nothing was recorded, so nothing can be said.")
    #expect(
      sentence([], batches: 1) == "Nothing is wrong so far, but 1 batch is too few for most rules.")
    #expect(
      sentence([
        finding(.exploding, .critical, "w7", position: 7, at: 12),
        finding(.nonFinite, .critical, "w1", position: 1, at: 15),
        finding(.nonFinite, .critical, "w2", position: 2, at: 15), finding(.stagnation, at: 60),
        finding(.noiseScale, .info, at: 50),
      ])
        == "The gradients explode, led by 'w7', from epoch 0, batch 12 on; then NaN or infinity in 2 weights "
        + "and a loss that does not move.")
    #expect(
      sentence([finding(.absent, .warning, "w\n", position: 0, at: 0)])
        == "'w\\n' gets no gradient from the first batch on.")
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
