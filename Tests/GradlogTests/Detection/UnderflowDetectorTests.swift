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
