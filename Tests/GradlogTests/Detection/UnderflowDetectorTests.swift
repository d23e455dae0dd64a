import Glibc
import Testing

@testable import Gradlog

@Suite struct UnderflowDetectorTests {
  /// Gradients as float16 keeps them: rounded to multiples of 2⁻²⁴ when they are that small.
  private func rounded(_ gradient: [Double]) -> [Double] {
    gradient.map { Double(Float16($0)) }
  }

  private func trained(
    _ batches: Int, sizes: [Double], loss: (Int) -> Double? = { _ in 1 }, isHalf: Bool = true,
    lossScale: Double? = nil
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 41)
    var training = MadeUpTraining(sizes.map { _ in [4, 5] })
    for step in 0..<batches {
      let gradients = sizes.map { random.normals(20, deviation: $0) }
      training.batch(
        gradients.map { isHalf ? rounded($0) : $0 }, loss: loss(step), lossScale: lossScale)
    }
    return training
  }

  @Test func smallGradientsOfFloat16AreMostlyZero() {
    // About half an element of 2⁻²⁴ is rounded to zero in six of ten cases.
    let training = trained(30, sizes: [0x1p-25, 1])
    let finding = training.finding(.underflow, 0)
    #expect(finding?.severity == .critical)
    #expect(finding?.first.step == 0 && finding?.last.step == 29)
    #expect(training.begun.firstIndex { $0.contains { $0.rule == .underflow } } == 9)
    #expect(training.finding(.underflow, 1) == nil)
    #expect((0.4...1).contains(finding?.value ?? 0))
    #expect(finding?.threshold == 0.4 && finding?.baseline == nil)
    #expect(
      finding?.evidence(of: "a").contains("% of the elements of the gradient of 'a' are zero")
        == true)
  }

  @Test func theSameGradientsInFloat32AreNot() {
    let training = trained(200, sizes: [0x1p-25, 1], isHalf: false)
    #expect(training.detectors.findings.allSatisfy { $0.rule != .underflow })
  }

  @Test func scaledOnesAreNot() {
    let training = trained(30, sizes: [0x1p-10, 1], lossScale: 65536)
    #expect(training.detectors.findings.allSatisfy { $0.rule != .underflow })
  }

  @Test func aNetworkThatLearnsIsWarned() {
    let training = trained(100, sizes: [0x1p-25, 1], loss: { 2 * exp(-0.05 * Double($0)) })
    #expect(training.finding(.underflow, 0)?.severity == .warning)
  }

  /// Of which nothing is left, beside one of which something is.
  @Test func whatIsWhollyLostIsNamedWithNumbersThatAreNone() {
    let training = trained(30, sizes: [0x1p-40, 0x1p-25])
    let lost = training.finding(.underflow, 0)
    #expect(lost?.value == 1)
    #expect(
      lost?.evidence(of: "a")
        == "the gradient of 'a' is zero throughout, and others are close to 6e-8, the smallest float16"
    )
  }

  @Test func whenNothingIsLeftTheLossTells() {
    let silent = trained(30, sizes: [0, 0], loss: { _ in 1e-5 })
    let finding = silent.finding(.underflow, 0)
    #expect(finding?.symptom == .silence && finding?.severity == .critical)
    #expect(finding?.batchCount == 30 && finding?.value == 1e-5)
    // A loss of that size has a gradient; one that is zero has none to lose; and what worked once is done.
    for loss in [1, 0, -1, 1e-3] {
      let training = trained(30, sizes: [0, 0], loss: { _ in loss })
      #expect(training.detectors.findings.allSatisfy { $0.symptom != .silence })
    }
    var done = MadeUpTraining([[1, 1]])
    done.batch([[1.0]], loss: 1)
    for _ in 0..<30 { done.batch([[0.0]], loss: 1e-5) }
    #expect(done.detectors.findings.allSatisfy { $0.symptom != .silence })
  }

  /// Of the very size at which float16 loses half of them, with as many zeros as that leaves.
  @Test(arguments: [0x1p-24, 0x1p-23, 0x1p-22])
  func zerosAmongSmallGradientsOfFloat32AreNoUnderflow(size: Double) {
    var random = SplitMix64(seed: 43)
    func findings(_ value: (inout SplitMix64) -> Double) -> [Finding] {
      var training = MadeUpTraining([[8, 10], [10, 8]])
      for _ in 0..<60 {
        let gradients = (0..<2).map { _ in
          (0..<80).map { _ in Int.random(in: 0..<5, using: &random) < 3 ? 0 : value(&random) }
        }
        training.batch(gradients, loss: 1)
      }
      return training.detectors.findings.filter { $0.rule == .underflow }
    }
    #expect(findings { Double(Float(size * $0.normal())) } == [])
    // The same as multiples of the smallest float16.
    let quanta = findings { 0x1p-24 * (1 + (abs(size * $0.normal()) / 0x1p-24).rounded()) }
    #expect(quanta.map(\.weight) == [0, 1])
  }

  /// A lookup touches some rows, and the others are zero whatever the type.
  @Test(arguments: [0x1p-22, 0x1p-25])
  func rowsThatABatchDoesNotTouchAreNotLost(size: Double) {
    var random = SplitMix64(seed: 44)
    var training = MadeUpTraining([[50, 8], [8, 4]])
    for step in 0..<60 {
      var embedding = [Double](repeating: 0, count: 400)
      for row in [step % 50, (step + 7) % 50, (step + 20) % 50] {
        for column in 0..<8 { embedding[8 * row + column] = size * (1.2 + 0.2 * random.normal()) }
      }
      // What is 0.6 times the smallest float16 is seldom rounded down, and never in a whole column for long.
      training.batch(
        [rounded(embedding), rounded(random.normals(32, deviation: 0x1p-20))], loss: 1)
    }
    #expect(training.finding(.underflow, 0) == nil)
  }

  @Test func lossesInTheRowsThatItTouchesAreSeen() {
    var random = SplitMix64(seed: 45)
    var training = MadeUpTraining([[50, 8], [8, 4]])
    for step in 0..<60 {
      var embedding = [Double](repeating: 0, count: 400)
      for row in step..<step + 12 {
        for column in 0..<8 { embedding[8 * (row % 50) + column] = 0x1p-25 * random.normal() }
      }
      training.batch([rounded(embedding), random.normals(32)], loss: 1)
    }
    let share = training.finding(.underflow, 0)?.value ?? 0
    #expect((0.5...1).contains(share))
  }

  @Test func sparseGradientsAreNoUnderflow() {
    var random = SplitMix64(seed: 42)
    var training = MadeUpTraining([[4, 5], [5]])
    for _ in 0..<100 {
      training.batch([
        (0..<20).map { _ in Bool.random(using: &random) ? 0 : 1e-3 * random.normal() },
        random.normals(5),
      ])
    }
    #expect(training.detectors.findings.allSatisfy { $0.rule != .underflow })
  }
}
