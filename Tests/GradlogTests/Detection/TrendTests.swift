import Glibc
import Testing

@testable import Gradlog

@Suite struct TrendTests {
  private func trend(_ losses: [Double]) -> Trend {
    var trend = Trend()
    for loss in losses { trend.add(loss: loss) }
    return trend
  }

  private func constant(_ loss: Double, _ count: Int) -> [Double] {
    Array(repeating: loss, count: count)
  }

  @Test(arguments: [0, -0.0, -1e-300, -5.0])
  func aLossThatBeginsAroundZeroHasNoScale(odd: Double) {
    for place in 0..<16 {
      var losses = constant(2, 40) + constant(0.1, 40)
      losses[place] = odd
      let trend = trend(losses)
      #expect(!trend.isTelling && !trend.knowsLoss)
      #expect(!trend.hasLearned(0.1) && !trend.hasLearned(Thresholds()))
      #expect(trend.progress.isNaN)
    }
    // One that is learned to be nothing has one.
    var losses = constant(2, 40) + constant(0.1, 40)
    losses[16] = odd
    let trend = trend(losses)
    #expect(trend.isTelling && trend.knowsLoss && trend.hasLearned(0.9))
  }

  @Test func lossesThatAreNoNumbersAreNone() {
    let trend = trend([.nan, .infinity, -.infinity] + constant(2, 15))
    #expect(trend.lossCount == 15 && trend.isTelling && !trend.knowsLoss)
    #expect(trend.firstLoss == 2 && trend.loss == 2 && trend.bestLoss.isNaN)
  }

  @Test func itIsKnownFromSixteenOn() {
    #expect(!trend(constant(2, 15)).knowsLoss)
    #expect(trend(constant(2, 16)).knowsLoss)
  }

  @Test func aLossThatRisesAtOnceDoesNotCountAsTheFirst() {
    #expect(trend([1] + constant(50, 30)).firstLoss == 1.2)
    #expect(trend([1] + constant(1.1, 30)).firstLoss == 1.1)
    #expect(trend([50] + constant(1, 30)).firstLoss == 1)
  }

  @Test func whatWasLearnedOnceIsRemembered() {
    let trend = trend(constant(2, 20) + constant(1, 20) + constant(3, 40))
    #expect(!trend.hasLearned(0.1) && trend.hasEverLearned(0.5) && !trend.hasEverLearned(0.51))
    #expect(trend.bestLoss == 1 && trend.relapse == 2)
  }

  @Test func progressIsThatOfTheSecondHalf() {
    // Quarters of 4, 3, 2 and 1.
    let steps = trend([4, 3, 2, 1].flatMap { constant($0, 10) })
    #expect(steps.progress == 0.5)
    #expect(steps.fall == 0.75)
    #expect(trend([4, 3, 1, 1].flatMap { constant($0, 10) }).progress == 0)
    #expect(trend([4, 3, 1, 2].flatMap { constant($0, 10) }).progress == -1)
    #expect(trend([4]).progress.isNaN)
  }

  /// Rules that compare a loss with the first ones, given losses that would make each of them speak if they were positive.
  @Test func noRuleJudgesByRatiosOfALossWithoutAScale() {
    let symptoms: [Symptom] = [
      .lossGrowth, .lossLevel, .flatLoss, .firstDepth, .firstTiny, .decay,
    ]
    func found(_ loss: (Int) -> Double) -> Set<String> {
      var random = SplitMix64(seed: 18)
      var training = MadeUpTraining([[4, 5], [5, 10]])
      for step in 0..<120 {
        let sizes = step < 40 ? [1e-5, 1] : [1e-9, 1e-4]
        let gradients = zip([20, 50], sizes).map { count, size in
          random.normals(count, mean: size, deviation: 0.2 * size)
        }
        training.batch(gradients, loss: loss(step))
      }
      let found = training.detectors.findings.map(\.symptom)
      return Set(symptoms.filter(found.contains).map { "\($0)" })
    }
    let cases: [(loss: (Int) -> Double, tells: Set<String>)] = [
      ({ _ in 2 }, ["flatLoss", "firstDepth"]),
      ({ $0 < 30 ? 2 : 9 }, ["lossGrowth", "flatLoss", "firstDepth"]),
      ({ 20 - 0.035 * Double($0) }, ["lossLevel", "firstDepth"]),
    ]
    for (loss, tells) in cases {
      #expect(tells.isSubset(of: found(loss)), "\(found(loss))")
      #expect(found { $0 == 3 ? 0 : loss($0) } == [])
      #expect(found { $0 % 3 == 0 ? -loss($0) : loss($0) } == [])
      #expect(found { -loss($0) } == [])
    }
  }
}
