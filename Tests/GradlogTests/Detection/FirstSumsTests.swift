import Glibc
import Testing

@testable import Gradlog

/// Sums of gradients from the first batches on, before windows of later ones can tell, and what only resembles them.
@Suite struct FirstSumsTests {
  private static let count = 400

  /// Hands over what `gradient` makes of the batch and the gradients of all mini-batches so far, as a kernel and its bias.
  private func trained(
    _ batches: Int, seed: UInt64 = 51, mean: Double = 0, deviation: Double = 1,
    gradient: (Int, [[Double]]) -> [Double]
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: seed)
    var training = MadeUpTraining([[19, 20], [20]])
    var drawn: [[Double]] = []
    for step in 0..<batches {
      drawn.append(random.normals(Self.count, mean: mean, deviation: deviation))
      let gradient = gradient(step, drawn)
      training.batch([Array(gradient[..<380]), Array(gradient[380...])])
    }
    return training
  }

  private func sum(_ vectors: [[Double]]) -> [Double] {
    vectors.dropFirst().reduce(vectors[0]) { zip($0, $1).map(+) }
  }

  /// Whether a training of so few batches that only the first ones can tell has the finding.
  private func isSeen(_ training: MadeUpTraining) -> Bool {
    training.finding(.accumulating) != nil
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>, [0, 0.5])
  func sumsOfIndependentGradientsAreSeenFromTheSecondBatchOn(seed: UInt64, mean: Double) {
    let training = trained(17, seed: seed, mean: mean) { sum($1) }
    let finding = training.finding(.accumulating)
    #expect(finding?.first.step == 1)
    #expect(finding?.last.step == 16 && finding?.batchCount == 16)
    #expect(finding?.severity == .critical)
    #expect(training.calls == ["16: accumulating critical"])
    // √17 times the first norm, and more when they have a mean.
    #expect(abs((finding?.baseline ?? 0) - 20 * (1 + mean * mean).squareRoot()) < 2.5)
    #expect((finding?.value ?? 0) > 3.8 * (finding?.baseline ?? .nan))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func gradientsOfMiniBatchesAreNoSums(seed: UInt64) {
    for mean in [0, 0.5, 3] {
      #expect(!isSeen(trained(17, seed: seed, mean: mean) { $1.last! }))
    }
  }

  /// Two micro-batches, of which each step takes both.
  @Test func sumsThatBeginAnewAreCleared() {
    #expect(!isSeen(trained(17) { step, drawn in sum(Array(drawn.suffix(step % 2 + 1))) }))
    #expect(!isSeen(trained(17) { step, drawn in sum(Array(drawn.suffix(step % 8 + 1))) }))
  }

  /// What steps beyond the edge of stability do: each gradient is the one before, but for a factor.
  @Test(arguments: [1.05, 1.1, 1.15, 1.2, 1.25, 1.3, 1.5, 2, 4])
  func exponentialGrowthIsNoSum(factor: Double) {
    for noise in [0.0, 0.02] {
      let training = trained(17, mean: 1, deviation: noise) { step, drawn in
        drawn[step].map { pow(factor, Double(step)) * $0 }
      }
      #expect(!isSeen(training), "noise \(noise)")
    }
  }

  /// Gradients of all the data, which grow and turn a little in each step, along an arc.
  @Test(arguments: [1.5, 2.5, 4])
  func smoothGrowthIsNoSum(growth: Double) {
    let training = trained(17, deviation: 0.01) { step, drawn in
      let progress = Double(step) / 16
      let size = 1 + (growth - 1) * progress
      return (0..<Self.count).map { index in
        size * (index % 2 == 0 ? cos(progress) : sin(progress)) + drawn[step][index]
      }
    }
    #expect(!isSeen(training))
  }

  @Test func oneHugeGradientAmongThemIsNoSum() {
    // Ten times the others: a sum of it would stay long, what is added would not.
    let training = trained(17) { step, drawn in
      let sum = sum(drawn)
      return step >= 6 ? zip(sum, drawn[6]).map { $0 + 9 * $1 } : sum
    }
    #expect(!isSeen(training))
  }

  @Test func aLaterSumIsNotDatedToTheBeginning() {
    // Cleared as it should be for twenty batches.
    let training = trained(60) { step, drawn in
      step < 20 ? drawn[step] : sum(Array(drawn[20...]))
    }
    #expect((20...22).contains(training.finding(.accumulating)?.first.step ?? 0))
  }

  @Test func anUnknownAngleTellsNothing() {
    var random = SplitMix64(seed: 52)
    var training = MadeUpTraining([[20, 20]])
    for step in 0..<17 {
      var observed = ObservedGradient(weight: 0)
      observed.norm = 20 * Double(step + 1).squareRoot() * (1 + 0.01 * random.normal())
      training.batch([observed])
    }
    #expect(!isSeen(training))
  }
}
