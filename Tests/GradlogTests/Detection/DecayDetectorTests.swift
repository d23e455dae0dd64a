import Glibc
import Testing

@testable import Gradlog

/// One kernel, so that no part of the rule that compares kernels speaks.
@Suite struct DecayDetectorTests {
  private func trained(
    _ batches: Int, size: (Int) -> Double, loss: (Int) -> Double? = { _ in 2 }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 13)
    var training = MadeUpTraining([[5, 4]])
    for step in 0..<batches {
      let size = size(step)
      training.batch([random.normals(20, mean: size, deviation: 0.1 * size)], loss: loss(step))
    }
    return training
  }

  private func vanishing(_ training: MadeUpTraining) -> [Finding] {
    training.detectors.findings.filter { $0.rule == .vanishing }
  }

  /// At first about 1, and some decades less from the fiftieth batch on.
  private func fallen(by decades: Double) -> (Int) -> Double {
    { $0 < 50 ? 1 : pow(10, -decades) }
  }

  @Test func gradientsThatDecayWhileMuchIsLeftToLearnVanish() {
    let training = trained(100, size: fallen(by: 4))
    let finding = training.finding(.vanishing, 0)
    #expect(vanishing(training).count == 1)
    #expect(finding?.symptom == .decay && finding?.severity == .critical)
    // The median of sixteen is low once nine are, and has to stay so for twenty batches.
    #expect(finding?.first.step == 58 && finding?.last.step == 99)
    #expect(training.begun.firstIndex { $0.contains { $0.rule == .vanishing } } == 77)
    let first = 20.0.squareRoot()
    #expect(abs(log10((finding?.baseline ?? 1) / first)) < 0.05)
    #expect(abs(log10((finding?.value ?? 1) / first) - -4) < 0.05)
    #expect(abs(log10((finding?.threshold ?? 1) / first) - -3) < 0.05)
  }

  @Test func threeDecadesAreAskedFor() {
    #expect(vanishing(trained(200, size: fallen(by: 2.8))) == [])
    #expect(vanishing(trained(200, size: fallen(by: 3.2))).map(\.symptom) == [.decay])
  }

  @Test func whereNothingIsLeftToLearnTheyDecayToo() {
    // Both as they do in a healthy training, and with a loss that came down by less than what is learned.
    #expect(
      vanishing(
        trained(
          300, size: { exp(-0.04 * Double($0)) }, loss: { 2 * exp(-0.04 * Double($0)) })) == [])
    #expect(vanishing(trained(100, size: fallen(by: 4), loss: { $0 < 40 ? 2 : 1.2 })) == [])
    #expect(vanishing(trained(100, size: fallen(by: 4), loss: { $0 < 40 ? 2 : 1.6 })).count == 1)
    // Far below that of guessing among four classes.
    #expect(vanishing(trained(100, size: fallen(by: 4), loss: { _ in 0.3 })) == [])
  }

  @Test func withoutALossNothingIsSaid() {
    #expect(vanishing(trained(200, size: fallen(by: 4), loss: { _ in nil })) == [])
  }

  @Test func aPauseIsNoDecay() {
    let training = trained(150, size: { (50..<70).contains($0) ? 1e-4 : 1 })
    #expect(vanishing(training) == [])
  }

  @Test func gradientsThatComeBackAreOver() {
    let training = trained(150, size: { (50..<100).contains($0) ? 1e-4 : 1 })
    let finding = training.finding(.vanishing, 0)
    #expect(finding?.isOver == true && finding?.severity == .warning)
    #expect(finding?.last.step == 106)
  }

  @Test func batchesWithoutAGradientAreNoDecay() {
    var random = SplitMix64(seed: 14)
    var training = MadeUpTraining([[5, 4]])
    for step in 0..<150 {
      training.batch(
        [step % 2 == 0 ? random.normals(20) : [Double](repeating: 0, count: 20)], loss: 2)
    }
    #expect(vanishing(training) == [])
  }
}
