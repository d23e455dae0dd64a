import Glibc
import Testing

@testable import Gradlog

@Suite struct ExplosionDetectorTests {
  private let shapes = [[2, 2], [4], [2, 2]]

  /// Gradients of the shapes, `sizes` times a vector that is about 1 in each element.
  private func gradients(_ sizes: [Double], _ random: inout SplitMix64) -> [[Double]?] {
    sizes.map { size in random.normals(4).map { size * (1 + 0.1 * $0) } }
  }

  private func healthy(_ batches: Int, seed: UInt64 = 1) -> (MadeUpTraining, SplitMix64) {
    var training = MadeUpTraining(shapes)
    var random = SplitMix64(seed: seed)
    for _ in 0..<batches { training.batch(gradients([1, 1, 1], &random)) }
    return (training, random)
  }

  @Test(arguments: 1...5) func noiseIsNoExplosion(seed: UInt64) {
    var training = MadeUpTraining(shapes)
    var random = SplitMix64(seed: seed)
    for step in 0..<400 {
      // Norms that vary by a factor of two or so, and shrink a hundredfold.
      let size = exp(0.4 * random.normal() - 0.0115 * Double(step))
      training.batch(gradients([size, size, size], &random), loss: 2 * exp(-0.01 * Double(step)))
    }
    #expect(training.troubles == [])
  }

  @Test func growthIntoInfinityBeginsWhereItBegan() {
    var (training, random) = healthy(40)
    var size = 1.0
    while true {
      size *= 3
      // The last weight leads by a batch.
      let gradient = gradients([size / 3, size / 3, size], &random)
      if size > 1e9 { break }
      training.batch(gradient)
    }
    training.batch([[1, 1, 1, 1], [1, 1, 1, 1], [.infinity, 1, 1, 1]])
    let last = training.step - 1
    let explosion = training.finding(.exploding, 2)
    #expect(explosion?.severity == .critical)
    // Two batches at three times each are beyond five times the level.
    #expect(explosion?.first.step == 41)
    #expect(explosion?.last.step == last)
    #expect(abs((explosion?.baseline ?? 0) - 12.0.squareRoot()) < 0.5)
    #expect(training.troubles.contains("nonfinite critical 2 \(last)...\(last) 1"))
    #expect(training.troubles.count == 2)
    #expect(explosion?.evidence(of: "c").hasSuffix("most of all in 'c'") == true)
  }

  @Test func oneSpikeIsAWarningAndDoesNotHideTheNext() {
    var (training, random) = healthy(60)
    for step in 60..<100 {
      let size = [70, 85].contains(step) ? 50.0 : 1
      training.batch(gradients([size, 1, 1], &random))
    }
    #expect(training.troubles == ["exploding warning 0 70...85 2"])
    #expect(training.calls == ["70: exploding warning"])
    #expect(training.finding(.exploding, 0)?.symptom == .spike)
    let spike = training.finding(.exploding, 0)
    #expect(spike?.threshold == (spike?.baseline).map { 16 * $0 })
  }

  @Test func aJumpThatStaysAndDoesHarmIsCritical() {
    var training = MadeUpTraining(shapes)
    var random = SplitMix64(seed: 3)
    for step in 0..<120 {
      let isAfter = step >= 60
      training.batch(
        gradients(Array(repeating: isAfter ? 300 : 1, count: 3), &random),
        loss: isAfter ? 5 : 2 - 0.02 * Double(step))
    }
    let explosion = training.detectors.findings.first { $0.rule == .exploding }
    #expect(explosion?.severity == .critical)
    #expect(explosion?.first.step == 60)
  }

  @Test func aLearningThatRecoversFromAJumpIsWarnedOf() {
    var training = MadeUpTraining(shapes)
    var random = SplitMix64(seed: 4)
    for step in 0..<200 {
      let jumps = (20..<24).contains(step)
      training.batch(
        gradients(Array(repeating: jumps ? 300 : 1, count: 3), &random),
        loss: jumps ? 4 : 2 * exp(-0.03 * Double(step)))
    }
    #expect(
      training.detectors.findings.filter { $0.rule == .exploding }.map(\.severity) == [.warning])
  }

  @Test func normsBeyondAnyNetworkAreCritical() {
    var training = MadeUpTraining(shapes)
    training.batch([[1e11, 0, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1]])
    #expect(training.troubles == ["exploding critical - 0...0 1"])
    #expect(training.finding(.exploding)?.value == 1e11)
  }

  /// Whose squares no Double holds.
  @Test func normsBeyondTheRootOfTheLargestDoubleAreSeen() {
    var (training, _) = healthy(20)
    func gradient(_ norm: Double, of weight: Int) -> ObservedGradient {
      var gradient = ObservedGradient(weight: weight)
      gradient.norm = norm
      return gradient
    }
    training.batch((0..<3).map { gradient(1e300, of: $0) })
    let finding = training.finding(.exploding)
    #expect(finding?.severity == .critical)
    #expect(abs((finding?.value ?? 0) / 1e300 - 3.0.squareRoot()) < 1e-12)
    training.batch((0..<3).map { gradient(.greatestFiniteMagnitude, of: $0) })
    #expect(training.finding(.exploding)?.value == .greatestFiniteMagnitude)
  }

  @Test func sizesThatAreTooLargeFromTheFirstBatchOnHaveNoHistory() {
    var training = MadeUpTraining(shapes)
    var random = SplitMix64(seed: 6)
    for _ in 0..<20 { training.batch(gradients([100, 1, 1], &random)) }
    #expect(training.troubles == ["exploding warning 0 0...7 8"])
    #expect(training.finding(.exploding, 0)?.symptom == .firstSize)
  }

  @Test func theLossTellsTooAndIsForgivenWhenItComesBack() {
    func training(losses: [Double]) -> MadeUpTraining {
      var training = MadeUpTraining(shapes)
      var random = SplitMix64(seed: 7)
      for loss in losses {
        training.batch(gradients([1, 1, 1], &random), loss: loss)
      }
      return training
    }
    let flat = Array(repeating: 1.0, count: 40)
    let sick = training(losses: flat + Array(repeating: 8, count: 20))
    let finding = sick.detectors.findings.first { $0.rule == .exploding }
    #expect(finding?.symptom == .lossGrowth && finding?.severity == .critical)
    #expect(finding?.first.step == 40 && finding?.last.step == 59)
    #expect(finding?.value == 8 && finding?.baseline == 1 && finding?.threshold == 3)
    let recovered = training(
      losses: flat + Array(repeating: 8, count: 20) + Array(repeating: 0.9, count: 30))
    let over = recovered.detectors.findings.first { $0.rule == .exploding }
    #expect(over?.severity == .warning && over?.isOver == true)
    #expect(over?.evidence(of: nil).contains(", until epoch 0, batch ") == true)
    // Ten losses are no patience.
    let short = training(losses: flat + Array(repeating: 8, count: 10) + flat)
    #expect(short.detectors.findings.allSatisfy { $0.rule != .exploding })
  }
}
