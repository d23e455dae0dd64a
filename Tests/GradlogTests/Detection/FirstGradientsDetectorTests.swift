import Glibc
import Testing

@testable import Gradlog

/// Trainings that never began, judged by the gradients of their first batches. Two kernels have no depth profile, so no
/// other part of the rule speaks.
@Suite struct FirstGradientsDetectorTests {
  /// Batches of kernels [4, 5], the last of them [5, 4], with elements of about these sizes.
  private func trained(
    _ batches: Int, sizes: (Int) -> [Double], loss: (Int) -> Double? = { _ in 2 }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 12)
    let count = sizes(0).count
    var training = MadeUpTraining((0..<count).map { $0 + 1 == count ? [5, 4] : [4, 5] })
    for step in 0..<batches {
      let gradients = sizes(step).map { size in
        random.normals(20, mean: size, deviation: 0.1 * size)
      }
      training.batch(gradients, loss: loss(step).map { $0 * (1 + 0.001 * random.normal()) })
    }
    return training
  }

  private func vanishing(_ training: MadeUpTraining) -> [Finding] {
    training.detectors.findings.filter { $0.rule == .vanishing }
  }

  /// The first kernel `drop` decades below the last, which comes to rest by `rest` decades after the tenth batch.
  private func begun(
    drop: Double, rest: Double, batches: Int = 80, loss: (Int) -> Double? = { _ in 2 }
  ) -> MadeUpTraining {
    trained(
      batches,
      sizes: {
        let last = $0 < 10 ? 1e-2 : 1e-2 * pow(10, -rest)
        return [1e-2 * pow(10, -drop), last]
      }, loss: loss)
  }

  @Test func firstGradientsThatVanishedTellWhyNothingBegan() {
    let training = begun(drop: 3, rest: 1.5)
    let finding = training.finding(.vanishing, 0)
    #expect(vanishing(training).count == 1)
    #expect(finding?.symptom == .firstDepth && finding?.severity == .critical)
    #expect(finding?.first.step == 0 && finding?.last.step == 79)
    #expect(training.begun.firstIndex { $0.contains { $0.rule == .vanishing } } == 59)
    #expect(abs(log10(finding?.value ?? 1) - -5) < 0.05)
    #expect(abs(log10(finding?.baseline ?? 1) - -2) < 0.05)
    #expect(abs(log10(finding?.threshold ?? 1) - -4) < 0.05)
  }

  @Test func theKernelThatVanishedIsNamedWhereverItIs() {
    let training = trained(70, sizes: { [1e-2, 3e-5, $0 < 10 ? 1e-2 : 1e-4] })
    // The first kernel goes on, so the middle one has to be three decades below it.
    #expect(vanishing(training).map(\.weight) == [])
    let deeper = trained(70, sizes: { [1e-2, 3e-6, $0 < 10 ? 1e-2 : 1e-4] })
    #expect(vanishing(deeper).map(\.weight) == [1])
    #expect(deeper.finding(.vanishing, 1)?.symptom == .firstDepth)
  }

  @Test func lessThanTwoDecadesAreAnyNetwork() {
    #expect(vanishing(begun(drop: 1.9, rest: 1.5)) == [])
    #expect(vanishing(begun(drop: 2.1, rest: 1.5)).map(\.symptom) == [.firstDepth])
  }

  /// Where the largest kernel's gradient stays as large as it was, the steps are too small, and three decades are asked for.
  @Test func aNetworkThatIsNotAtRestTakesStepsThatAreTooSmall() {
    #expect(vanishing(begun(drop: 2.5, rest: 0)) == [])
    #expect(vanishing(begun(drop: 2.5, rest: 0.1)) == [])
    #expect(vanishing(begun(drop: 2.5, rest: 0.4)).map(\.symptom) == [.firstDepth])
    #expect(vanishing(begun(drop: 3.2, rest: 0)).map(\.symptom) == [.firstDepth])
  }

  /// Kernels that are next to zero learn nothing while the biases take the loss down to that of the best constant answer.
  @Test func biasesThatLearnAloneAreNoTraining() {
    func small(_ size: Double, loss: @escaping (Int) -> Double) -> [Finding] {
      vanishing(trained(160, sizes: { $0 < 20 ? [size, size] : [1e-3, 1e-2] }, loss: loss))
    }
    let constant: (Int) -> Double = { 0.6 + 1.4 * exp(-0.2 * Double($0)) }
    let findings = small(1e-6, loss: constant)
    #expect(findings.map(\.symptom) == [.firstTiny] && findings.map(\.severity) == [.critical])
    // Kernels of a usual size, and losses that go on falling or are low.
    #expect(small(1e-4, loss: constant) == [])
    #expect(small(1e-6) { 2 * exp(-0.005 * Double($0)) } == [])
    #expect(small(1e-6) { 0.2 + 1.8 * exp(-0.2 * Double($0)) } == [])
  }

  @Test func aLossThatFallsIsATraining() {
    #expect(
      vanishing(begun(drop: 4, rest: 1.5, batches: 200) { 2 * exp(-0.02 * Double($0)) }) == [])
    // It came down by a fifth once, and went up again.
    #expect(vanishing(begun(drop: 4, rest: 1.5) { (20..<45).contains($0) ? 1.6 : 2 }) == [])
    #expect(vanishing(begun(drop: 4, rest: 1.5) { (20..<45).contains($0) ? 1.9 : 2 }).count == 1)
  }

  @Test func whereLittleIsLeftToLearnNothingIsSaid() {
    // Far below ln 4, that of guessing among four classes.
    #expect(vanishing(begun(drop: 4, rest: 1.5) { _ in 0.3 }) == [])
    #expect(vanishing(begun(drop: 4, rest: 1.5) { _ in nil }) == [])
    #expect(vanishing(begun(drop: 4, rest: 1.5, batches: 59)) == [])
  }

  @Test func laterGradientsAreNotTheFirst() {
    // The first kernel vanishes after the fourth batch.
    let training = trained(80, sizes: { $0 < 4 ? [1e-2, 1e-2] : [1e-6, 1e-4] })
    #expect(vanishing(training) == [])
  }

  @Test func firstGradientsNextToNothingTellWhyNothingBegan() {
    // Seven millionths of the loss.
    let training = trained(80, sizes: { _ in [2e-6, 1e-5] })
    let finding = training.finding(.vanishing, 0)
    #expect(vanishing(training).count == 1)
    #expect(finding?.symptom == .firstTiny && finding?.severity == .critical)
    #expect(finding?.first.step == 0)
    #expect(abs(log10(finding?.value ?? 1) - -5) < 0.05)
    #expect(finding?.baseline == nil)
    #expect(abs((finding?.threshold ?? 0) / 1.4e-5 - 1) < 0.01)
    #expect(vanishing(trained(80, sizes: { _ in [2e-6, 1.9e-5] })) == [])
    // The same gradients under a loss that is half as large.
    #expect(vanishing(trained(80, sizes: { _ in [2e-6, 1e-5] }, loss: { _ in 1 })) == [])
  }

  @Test func oneKernelIsComparedWithNone() {
    #expect(vanishing(trained(80, sizes: { [$0 < 10 ? 1e-6 : 1e-7] })) == [])
  }
}
