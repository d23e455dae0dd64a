import Glibc
import Testing

@testable import Gradlog

@Suite struct AccumulationDetectorTests {
  /// Gradients of mini-batches around a mean, handed over as they are or summed up.
  private func trained(
    _ batches: Int, mean: Double, deviation: Double = 1, sums: (Int) -> Bool,
    loss: (Int) -> Double? = { _ in nil }, clip: Double? = nil, seed: UInt64 = 61
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: seed)
    var training = MadeUpTraining([[4, 5], [5]])
    var sum = [Double](repeating: 0, count: 25)
    for step in 0..<batches {
      if !sums(step) { sum = [Double](repeating: 0, count: 25) }
      sum = zip(sum, random.normals(25, mean: mean, deviation: deviation)).map(+)
      let size = clip.map { min(1, $0 / length(sum)) } ?? 1
      let gradient = sum.map { size * $0 }
      training.batch([Array(gradient[..<20]), Array(gradient[20...])], loss: loss(step))
    }
    return training
  }

  @Test(arguments: [0.5, 1, 3]) func sumsOfGradientsAreSeen(mean: Double) {
    let training = trained(80, mean: mean, sums: { _ in true }, loss: { _ in 2 })
    let finding = training.finding(.accumulating)
    #expect(finding?.severity == .critical)
    #expect((finding?.first.step ?? 99) <= 2)
    // The norm of the first batch, and a half more.
    #expect(finding?.threshold == (finding?.baseline).map { 1.5 * $0 })
    #expect(abs((finding?.baseline ?? 0) / (5 * mean) - 1) < 1)
    #expect(
      finding?.evidence(of: nil).hasPrefix("each gradient seems to contain the one before") == true)
  }

  @Test(arguments: [0, 0.5, 3, 30]) func gradientsOfEachBatchAreNot(mean: Double) {
    for seed in 0..<5 as Range<UInt64> {
      let training = trained(200, mean: mean, sums: { _ in false }, seed: seed)
      #expect(training.finding(.accumulating) == nil)
    }
  }

  @Test func microBatchesThatAreSummedOnPurposeAreNot() {
    // Recorded at every backward: the sum begins anew after four.
    let training = trained(200, mean: 1, sums: { $0 % 4 != 0 })
    #expect(training.finding(.accumulating) == nil)
  }

  @Test func gradientsThatAreClippedToOneLengthAreNot() {
    let training = trained(200, mean: 3, sums: { _ in false }, clip: 1)
    #expect(training.finding(.accumulating) == nil)
  }

  @Test func healthyGradientsThatShrinkOrGrowSlowlyAreNot() {
    for rate in [-0.03, 0.005] {
      var random = SplitMix64(seed: 62)
      var training = MadeUpTraining([[4, 5]])
      for step in 0..<200 {
        let size = exp(rate * Double(step))
        training.batch([random.normals(20, mean: 3, deviation: 0.5).map { size * $0 }])
      }
      #expect(training.finding(.accumulating) == nil)
    }
  }

  @Test func aSumThatIsZeroedAfterAllBeginsAnew() {
    let training = trained(120, mean: 1, sums: { $0 >= 60 }, loss: { _ in 2 })
    let first = training.finding(.accumulating)?.first.step ?? 0
    #expect((55...65).contains(first))
  }
}
