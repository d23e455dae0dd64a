import Glibc
import Testing

@testable import Gradlog

@Suite struct DepthGrowthDetectorTests {
  /// Six kernels with their biases, whose sizes grow from 10^-2 at the loss by some decades up to the input.
  private func trained(
    _ batches: Int, kernels: Int = 6, decades: (Int) -> Double, loss: (Int) -> Double? = { _ in 2 }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 15)
    var training = MadeUpTraining((0..<kernels).flatMap { _ in [[3, 4], [4]] })
    for step in 0..<batches {
      let gradients = (0..<kernels).flatMap { depth -> [[Double]?] in
        let share = 1 - Double(depth) / Double(max(1, kernels - 1))
        let size = 1e-2 * pow(10, decades(step) * share)
        return [12, 4].map { random.normals($0, mean: size, deviation: 0.2 * size) }
      }
      training.batch(gradients, loss: loss(step))
    }
    return training
  }

  private func exploding(_ training: MadeUpTraining) -> [Finding] {
    training.detectors.findings.filter { $0.rule == .exploding }
  }

  @Test func gradientsThatGrowTowardsTheInputExplode() {
    let training = trained(50, decades: { _ in 2.5 })
    let finding = training.finding(.exploding, 0)
    #expect(exploding(training).count == 1)
    #expect(finding?.symptom == .depthGrowth && finding?.severity == .critical)
    #expect(finding?.first.step == 0 && finding?.last.step == 49)
    #expect(training.calls.first == "19: exploding critical")
    // Of the outer thirds the upper kernels: the first, and the last but one.
    #expect(abs(log10(finding?.value ?? 1) - 0.5) < 0.1)
    #expect(abs(log10(finding?.baseline ?? 1) - -1.5) < 0.1)
    #expect(abs(log10(finding?.threshold ?? 1) - 0) < 0.1)
  }

  @Test func aDecadeIsHealthy() {
    // From the median of the first third to that of the last: four fifths of all.
    #expect(exploding(trained(100, decades: { _ in 1.7 })) == [])
    #expect(exploding(trained(100, decades: { _ in 2.1 })).map(\.symptom) == [.depthGrowth])
    #expect(exploding(trained(100, decades: { _ in -3 })) == [])
  }

  @Test func theLossTellsHowBadItIs() {
    func severity(_ loss: (Int) -> Double?) -> Rule.Severity? {
      trained(150, decades: { _ in 2.9 }, loss: loss).finding(.exploding, 0)?.severity
    }
    #expect(severity { _ in nil } == .warning)
    #expect(severity { _ in 2 } == .critical)
    #expect(severity { 2 * exp(-0.01 * Double($0)) } == .critical)
    #expect(severity { 2 * exp(-0.03 * Double($0)) } == .warning)
    #expect(severity { _ in -2 } == .warning)
  }

  @Test func itMustLast() {
    #expect(exploding(trained(19, decades: { _ in 2.9 })) == [])
    #expect(
      exploding(trained(100, decades: { $0 == 50 ? 9 : 0 })).allSatisfy { $0.symptom == .spike })
  }

  @Test func aProfileThatLevelsOutIsOver() {
    let training = trained(50, decades: { $0 < 30 ? 2.5 : 0 })
    let finding = training.finding(.exploding, 0)
    #expect(finding?.isOver == true && finding?.severity == .warning)
    // The profile is smoothed over some ten batches.
    #expect((30...40).contains(finding?.last.step ?? 0))
  }

  @Test func networksOfTwoKernelsHaveNoDepth() {
    #expect(exploding(trained(60, kernels: 2, decades: { _ in 2.9 })) == [])
    #expect(exploding(trained(60, kernels: 3, decades: { _ in 2.9 })).count == 1)
  }
}
