import Glibc
import Testing

@testable import Gradlog

/// Gradient descent on ½ λ x² and relatives, whose gradients flip exactly when the step is beyond 1/λ, and grow when it
/// is beyond 2/λ.
@Suite struct OscillationDetectorTests {
  /// Descends along the axes of a quadratic with these curvatures, from 1 on each.
  private func descended(
    _ batches: Int, rate: Double, curvatures: [Double], noise: Double = 0, hasLoss: Bool = true,
    floor: Double = 0
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 31)
    var training = MadeUpTraining([[1, curvatures.count]])
    var point = curvatures.map { _ in 1.0 }
    for _ in 0..<batches {
      let gradient = zip(point, curvatures).map { $0 * $1 + noise * random.normal() }
      let loss = floor + zip(point, curvatures).reduce(0) { $0 + 0.5 * $1.1 * $1.0 * $1.0 }
      training.batch([gradient], loss: hasLoss ? loss : nil)
      point = zip(point, gradient).map { $0 - rate * $1 }
    }
    return training
  }

  @Test func aStepThatIsTooLargeTurnsRound() {
    // Just below 2/λ: x changes its sign in each step and hardly shrinks.
    let training = descended(80, rate: 1.999, curvatures: [1])
    let finding = training.finding(.oscillation)
    #expect(finding?.value == -1)
    #expect(finding?.first.step == 32)
    #expect(finding?.last.step == 79)
    #expect(finding?.batchCount == 48)
    // 31 cosines before the median of 32 is known, and the first gradient has none; then twenty in a row.
    #expect(training.begun.firstIndex { $0.contains { $0.rule == .oscillation } } == 51)
    #expect(
      finding?.evidence(of: nil)
        == "each gradient points against the one before, with a median cosine of -1")
  }

  @Test func itIsCriticalWhileTheLossStaysWhereGuessingIs() {
    let stuck = descended(80, rate: 1.9999, curvatures: [1], floor: 1)
    #expect(stuck.finding(.oscillation)?.severity == .critical)
    // The curvature of the other axis is small, and the loss goes down along it.
    let learning = descended(80, rate: 1.9, curvatures: [1])
    #expect(learning.finding(.oscillation)?.severity == .info)
  }

  @Test func withoutALossTheCosineDecides() {
    #expect(
      descended(80, rate: 1.999, curvatures: [1], hasLoss: false).finding(.oscillation)?.severity
        == .critical)
  }

  @Test(arguments: [0.01, 0.1, 0.5, 0.99]) func smallerStepsDoNot(rate: Double) {
    #expect(descended(200, rate: rate, curvatures: [1, 0.1]).finding(.oscillation) == nil)
    // The noise of mini-batches around a minimum is turned round by a share of rate · λ ÷ 2: it is no harm.
    let noisy = descended(200, rate: rate, curvatures: [1, 0.1], noise: 0.3).finding(.oscillation)
    #expect(noisy == nil || (rate >= 0.5 && noisy?.severity == .info))
  }

  @Test func gradientsOfPureNoiseDoNot() {
    var random = SplitMix64(seed: 32)
    var training = MadeUpTraining([[2, 4], [4]])
    for _ in 0..<300 { training.batch([random.normals(8), random.normals(4)], loss: 0.1) }
    #expect(training.finding(.oscillation) == nil)
  }

  @Test func itIsOverWhenTheStepsGetSmaller() {
    var training = MadeUpTraining([[1, 2]])
    for step in 0..<200 {
      let flips = step < 80 && step % 2 == 1
      training.batch([[flips ? -1 : 1, flips ? -1 : 1]], loss: 2)
    }
    let finding = training.finding(.oscillation)
    #expect(finding?.isOver == true && finding?.severity == .warning)
    // The median of 32 batches turns some sixteen batches later.
    #expect((80...100).contains(finding?.last.step ?? 0))
  }
}
