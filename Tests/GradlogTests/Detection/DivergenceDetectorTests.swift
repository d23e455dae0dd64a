import Glibc
import Testing

@testable import Gradlog

@Suite struct DivergenceDetectorTests {
  /// Kernels of two layers, whose elements are about `size`; the first turns round in each batch if asked to.
  private func trained(
    _ losses: [Double], size: (Int) -> Double = { _ in 1 }, turns: (Int) -> Bool = { _ in false },
    seed: UInt64 = 16
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: seed)
    var training = MadeUpTraining([[3, 4], [4, 10], [10]])
    for (step, loss) in losses.enumerated() {
      let sign = turns(step) && step % 2 == 0 ? -1.0 : 1
      let gradients = [12, 40, 10].map { count in
        random.normals(count, mean: 1, deviation: 0.2).map { sign * size(step) * $0 }
      }
      training.batch(gradients, loss: loss)
    }
    return training
  }

  private func exploding(_ training: MadeUpTraining) -> [Finding] {
    training.detectors.findings.filter { $0.rule == .exploding }
  }

  private func constant(_ loss: Double, _ count: Int) -> [Double] {
    Array(repeating: loss, count: count)
  }

  private func swing(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
    (0..<count).map { $0 % 2 == 0 ? high : low }
  }

  /// Whichever weight is highest in a batch in which the loss rises once more.
  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func aLossThatSwingsAboutTheBoundHasNotComeBack(seed: UInt64) {
    let up = constant(1, 40) + constant(8, 20)
    let swinging = trained(up + swing(2.5, 3.5, 60), seed: seed)
    #expect(exploding(swinging).map(\.symptom) == [.lossGrowth])
    #expect(exploding(swinging).map(\.severity) == [.critical])
    #expect(exploding(swinging).first?.isOver == false)
    #expect(exploding(swinging).first?.first.step == 40)
    // Below the bound for good, and still above the first losses.
    let above = trained(up + constant(1.5, 60), seed: seed)
    #expect(exploding(above).map(\.severity) == [.critical])
    let back = trained(up + swing(2.5, 3.5, 60) + constant(0.9, 20), seed: seed)
    #expect(exploding(back).map(\.severity) == [.warning])
    #expect(exploding(back).first?.isOver == true)
  }

  @Test func anotherRiseAfterItCameBackIsCriticalAgain() {
    let losses = constant(1, 40) + constant(8, 20) + constant(0.9, 40) + constant(9, 20)
    let training = trained(losses)
    #expect(exploding(training).contains { $0.severity == .critical && !$0.isOver })
  }

  @Test func aLossJustBelowTheBoundHasNotExploded() {
    #expect(exploding(trained(constant(1, 40) + constant(2.9, 100))) == [])
    #expect(exploding(trained(constant(1, 40) + constant(3.1, 100))).map(\.severity) == [.critical])
  }

  /// How far the steps jump over the valley is how far the loss rises.
  @Test func oscillationSaysItBetter() {
    let losses = constant(3, 20) + constant(12, 100)
    let turning = trained(losses, turns: { _ in true })
    #expect(turning.finding(.oscillation)?.severity == .critical)
    #expect(exploding(turning).map(\.severity) == [.warning])
    // It was called critical before the turning was sure.
    #expect(turning.calls.contains { $0.hasSuffix("exploding critical") })
    // Ten times the first losses is no swing; and without turning it is not one either.
    let far = trained(constant(3, 20) + constant(33, 100), turns: { _ in true })
    #expect(far.finding(.oscillation)?.severity == .critical)
    #expect(exploding(far).map(\.severity) == [.critical])
    #expect(exploding(trained(losses)).map(\.severity) == [.critical])
    // When the steps no longer turn round, nothing else says it.
    let straight = trained(losses + constant(12, 60), turns: { $0 < 120 })
    #expect(exploding(straight).map(\.severity) == [.critical])
  }

  /// Three times ln 10 is 6.9.
  @Test func aClassifierFarWorseThanGuessingBeganWithHugeOutputs() {
    let falling = (0..<100).map { 60 - 0.3 * Double($0) }
    let training = trained(falling, size: { _ in 5 })
    let finding = training.finding(.exploding)
    #expect(exploding(training).count == 1)
    #expect(finding?.symptom == .lossLevel && finding?.severity == .critical)
    #expect(finding?.first.step == 0)
    #expect(training.calls.first == "59: exploding critical")
    #expect(finding?.baseline == log(10) && finding?.threshold == 3 * log(10))
    // Once it is better than guessing it is over.
    let learned = trained(falling + constant(1, 30), size: { _ in 5 }).finding(.exploding)
    #expect(learned?.isOver == true && learned?.severity == .warning)
    #expect(exploding(trained((0..<100).map { 6.8 - 0.02 * Double($0) }, size: { _ in 5 })) == [])
    // A sum over many things is large, but no steeper for it: the norm is an eighth of the loss.
    #expect(exploding(trained(falling)) == [])
  }

  @Test func whereNothingMovesTheGradientsAreNotTooLarge() {
    var random = SplitMix64(seed: 17)
    #expect(exploding(trained(constant(60, 100), size: { _ in 5 })) == [])
    let noise = (0..<100).map { _ in 60 + 3 * random.normal() }
    #expect(exploding(trained(noise, size: { _ in 5 })) == [])
  }

  /// Losses below zero are no cross-entropy, with which that of guessing can be compared.
  @Test func aLossWithoutAScaleIsNotComparedWithGuessing() {
    var losses = (0..<100).map { 60 - 0.3 * Double($0) }
    losses[5] = -60
    #expect(exploding(trained(losses, size: { _ in 5 })) == [])
  }

  @Test func theLossTellsWhetherLargeFirstGradientsDoHarm() {
    func finding(_ losses: [Double], size: Double = 30) -> Finding? {
      trained(losses, size: { $0 < 10 ? size : 1 }).finding(.exploding, 0)
        ?? trained(losses, size: { $0 < 10 ? size : 1 }).finding(.exploding, 1)
    }
    let unknown = finding(constant(2, 15))
    #expect(unknown?.symptom == .firstSize && unknown?.severity == .warning)
    #expect(unknown?.first.step == 0)
    #expect(finding(constant(2, 17))?.severity == .critical)
    // It falls by three tenths, or by less; and what has come down once may go up again.
    #expect(finding(constant(2, 20) + constant(1.3, 40))?.severity == .warning)
    #expect(finding(constant(2, 20) + constant(1.5, 40))?.severity == .critical)
    #expect(
      finding(constant(2, 20) + constant(1.3, 20) + constant(2, 40))?.severity == .warning)
    // Under ten in the root mean square, or without a scale of the loss.
    #expect(finding(constant(2, 60), size: 9) == nil)
    #expect(finding(constant(-2, 60))?.severity == .warning)
  }
}
