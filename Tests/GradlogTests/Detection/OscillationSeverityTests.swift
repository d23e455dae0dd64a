import Glibc
import Testing

@testable import Gradlog

/// How bad it is that gradients turn round: that tells the loss.
@Suite struct OscillationSeverityTests {
  /// Gradients of which one part turns round in each batch and another, that is `straight` times as long, does not: their
  /// cosine is (s² − 1) ÷ (s² + 1).
  private func turning(
    _ batches: Int = 120, straight: Double = 0.1, loss: (Int) -> Double?
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 33)
    var training = MadeUpTraining([[2, 4], [4, 10], [10]])
    for step in 0..<batches {
      let sign = step % 2 == 0 ? 1.0 : -1
      let gradients = [8, 40, 10].map { count in
        (0..<count).map { $0 % 2 == 0 ? sign : straight + 0.01 * random.normal() }
      }
      training.batch(gradients, loss: loss(step))
    }
    return training
  }

  private func severity(
    _ batches: Int = 120, straight: Double = 0.1, loss: (Int) -> Double?
  ) -> Rule.Severity? {
    turning(batches, straight: straight, loss: loss).finding(.oscillation)?.severity
  }

  @Test func withoutALossTheyHaveToTurnRoundAlmostEntirely() {
    // Cosines of −0.98, −0.92, −0.88 and −0.6.
    #expect(severity(straight: 0.1) { _ in nil } == .critical)
    #expect(severity(straight: 0.2) { _ in nil } == .critical)
    #expect(severity(straight: 0.25) { _ in nil } == .warning)
    #expect(severity(straight: 0.5) { _ in nil } == .warning)
    // −0.22 and −0.1.
    #expect(severity(straight: 0.8) { _ in nil } == .warning)
    #expect(severity(straight: 0.9) { _ in nil } == nil)
  }

  @Test func aLossThatStaysWhereGuessingIsIsCritical() {
    #expect(severity { _ in 2.3 } == .critical)
    #expect(severity(straight: 0.5) { _ in 2.3 } == .critical)
    // 0.55 times ln 10 is 1.27.
    #expect(severity { _ in 1.3 } == .critical)
    #expect(severity { _ in 1.2 } == .warning)
  }

  @Test func aLossThatHasComeDownIsInformation() {
    // By 0.35 of the first ones, and less.
    #expect(severity { $0 < 20 ? 4 : 2.5 } == .info)
    #expect(severity { $0 < 20 ? 4 : 2.7 } == .critical)
  }

  @Test func aLossThatComesDownIsInformation() {
    // A tenth from the third quarter to the last, while it is still high.
    #expect(severity { 4 * exp(-0.0038 * Double($0)) } == .info)
    #expect(severity { 4 * exp(-0.0015 * Double($0)) } == .critical)
    // It comes down from where it had risen to, and is no lower than at first.
    #expect(severity { $0 < 20 ? 4 : 9 * exp(-0.005 * Double($0)) } == .critical)
  }

  @Test func itIsRevisedAsTheLossGoes() {
    let training = turning(200) { $0 < 100 ? 2.3 : 2.3 * exp(-0.05 * Double($0 - 100)) }
    #expect(training.calls.first == "51: oscillation critical")
    #expect(training.finding(.oscillation)?.severity == .info)
    let back = turning(300) { $0 < 60 ? 4 : $0 < 150 ? 2 : 4 }
    #expect(back.finding(.oscillation)?.severity == .critical)
  }

  /// Half of what the training had learned is lost again, and it is no longer better than guessing.
  @Test func aLossThatFallsBackIsCriticalAfterAll() {
    func course(_ back: Double) -> (Int) -> Double {
      { $0 < 20 ? 4 : $0 < 80 ? 1.4 : back }
    }
    #expect(severity(200, loss: course(1.5)) == .info)
    #expect(severity(200, loss: course(2.0)) == .info)
    #expect(severity(200, loss: course(2.2)) == .critical)
    // Below guessing there is no harm in it.
    #expect(severity(200) { $0 < 20 ? 4 : $0 < 80 ? 0.5 : 1.2 } == .info)
  }

  /// Whatever the loss of guessing is: here one of a hundredth of ln 10, that rose.
  @Test func aLossThatRoseIsCritical() {
    #expect(severity { $0 < 20 ? 0.02 : 0.05 } == .critical)
    #expect(severity { $0 < 20 ? 0.02 : 0.021 } == .warning)
  }

  /// A policy gradient's, of which no ratio tells anything: as if there were none.
  @Test func aLossWithoutAScaleDoesNotTell() {
    let loss: (Int) -> Double = { 2 - 0.03 * Double($0) - ($0 == 3 ? 5 : 0) }
    #expect(severity(straight: 0.1, loss: loss) == .critical)
    #expect(severity(straight: 0.5, loss: loss) == .warning)
  }
}
