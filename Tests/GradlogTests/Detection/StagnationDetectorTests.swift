import Glibc
import Testing

@testable import Gradlog

@Suite struct StagnationDetectorTests {
  private let guessing = log(10.0)

  /// Mini-batch gradients of a network with ten outputs around a mean that is as long as the noise.
  private func trained(
    _ batches: Int, mean: (Int) -> Double = { _ in 1 }, noise: Double = 1, loss: (Int) -> Double?
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 81)
    var training = MadeUpTraining([[4, 10], [10]])
    for step in 0..<batches {
      let size = mean(step)
      let gradients = [40, 10].map { count in
        random.normals(count).map { size * (1 + noise * $0) }
      }
      training.batch(gradients, loss: loss(step).map { $0 + 0.02 * random.normal() })
    }
    return training
  }

  /// Gradients around a mean that agree for 30 batches and are noise from then on, under a loss far below that of guessing.
  private func settling(_ batches: Int) -> MadeUpTraining {
    var random = SplitMix64(seed: 82)
    var training = MadeUpTraining([[4, 10], [10]])
    for step in 0..<batches {
      let mean = step < 30 ? 1.0 : 0
      let gradients = [40, 10].map { random.normals($0, mean: mean, deviation: 1) }
      training.batch(gradients, loss: 0.2 + 0.02 * random.normal())
    }
    return training
  }

  @Test func aLossThatStaysAtGuessingGoesNowhere() {
    let training = trained(100, loss: { _ in guessing })
    let finding = training.finding(.stagnation)
    #expect(finding?.severity == .critical)
    #expect(finding?.symptom == .flatLoss)
    #expect(finding?.first.step == 0 && finding?.last.step == 99)
    #expect(training.begun.firstIndex { $0.contains { $0.rule == .stagnation } } == 59)
    #expect(
      finding?.evidence(of: nil).hasPrefix("the loss is no lower than the 2.") == true
        || finding?.evidence(of: nil).hasPrefix("the loss has fallen by only ") == true)
    // At least two in a hundred, or what chance brings about.
    #expect((finding?.threshold ?? 9) <= 0.98 * (finding?.baseline ?? 0) + 1e-12)
    #expect((finding?.value ?? 0) > (finding?.threshold ?? 9))
    #expect(abs((finding?.baseline ?? 0) - guessing) < 0.05)
  }

  @Test(arguments: [0.003, 0.01, 0.05]) func aLossThatFallsDoesNot(rate: Double) {
    let training = trained(
      300, mean: { exp(-rate * Double($0)) }, loss: { guessing * exp(-rate * Double($0)) })
    #expect(training.finding(.stagnation) == nil)
  }

  @Test func aPlateauThatEndsIsOver() {
    let training = trained(400) { $0 < 100 ? guessing : guessing * exp(-0.02 * Double($0 - 100)) }
    let finding = training.finding(.stagnation)
    #expect(finding?.isOver == true && finding?.severity == .info)
    #expect((100...180).contains(finding?.last.step ?? 0))
  }

  /// By a tenth, after nine tenths of the training, which is more than chance.
  @Test func aPlateauOfWhichHardlyAnythingCameIsNot() {
    func plateau(falling share: Double) -> Finding? {
      trained(300) { guessing * (1 - ($0 < 150 ? 0 : share * min(1, Double($0 - 150) / 50))) }
        .finding(.stagnation)
    }
    #expect(plateau(falling: 0.15)?.severity == .critical)
    #expect(plateau(falling: 0.15)?.isOver == false)
    #expect(plateau(falling: 0.3)?.isOver == true)
  }

  @Test func aTrainingThatGoesOnFromAGoodStateIsNotSick() {
    // Little is left to learn: gradients are noise, the loss is far below guessing.
    let training = trained(300, mean: { _ in 0.1 }, noise: 10, loss: { _ in 0.2 })
    #expect(training.troubles.allSatisfy { !$0.contains("critical") })
    // They may agree at first, until the optimizer knows how large they are.
    let settled = settling(300)
    #expect(settled.finding(.stagnation)?.severity == .warning)
    // One whose gradients agree has a slope to go down, whatever its loss.
    let slope = trained(300, noise: 1) { _ in 0.2 }
    #expect(slope.finding(.stagnation)?.severity == .critical)
  }

  @Test func theSameGradientAgainAndAgainIsNoTraining() {
    var training = MadeUpTraining([[2, 2]])
    for _ in 0..<5 { training.batch([[1, 2, 3, 5]], loss: 1) }
    for _ in 0..<15 { training.batch([[1, 2, 3, 4]], loss: 0.5) }
    let finding = training.finding(.stagnation)
    #expect(finding?.symptom == .identical && finding?.severity == .critical)
    // The sixth is the first of its kind.
    #expect(finding?.first.step == 6 && finding?.last.step == 19 && finding?.batchCount == 14)
    #expect(finding?.value == 14 && finding?.threshold == 10)
  }

  @Test func gradientsThatRepeatWhileTheLossMovesAreThoseOfALine() {
    var training = MadeUpTraining([[2, 2]])
    for step in 0..<40 { training.batch([[1, 2, 3, 4]], loss: 10 - 0.2 * Double(step)) }
    #expect(training.finding(.stagnation) == nil)
  }

  @Test func stepsThatAreTooSmallMoveNothing() {
    let training = trained(200, noise: 0.3) { _ in 0.5 }
    let finding = training.finding(.stagnation)
    #expect(finding?.severity == .critical)
    #expect(finding?.first.step == 0)
    // Without a loss the size of the gradients alone must stand still.
    var random = SplitMix64(seed: 82)
    var silent = MadeUpTraining([[20, 20]])
    for _ in 0..<96 { silent.batch([random.normals(400, mean: 1, deviation: 0.3)]) }
    #expect(silent.finding(.stagnation)?.symptom == nil)
    for _ in 0..<33 { silent.batch([random.normals(400, mean: 1, deviation: 0.3)]) }
    let stall = silent.finding(.stagnation)
    #expect(stall?.symptom == .stall)
    #expect(stall?.first.step == 33)
    #expect(
      stall?.evidence(of: nil).hasPrefix(
        "neighbouring gradients agree, and yet their norm changed by no more than ") == true)
    #expect(finding?.symptom == .flatLoss || finding?.threshold == 0.05)
    #expect(stall?.threshold == 0.03 && stall?.baseline == nil)
  }

  @Test func gradientsClippedToOneLengthAreEquallyLongWhateverHappens() {
    var random = SplitMix64(seed: 83)
    var training = MadeUpTraining([[20, 20]])
    for _ in 0..<300 {
      let gradient = random.normals(400, mean: 1, deviation: 0.3)
      training.batch([gradient.map { $0 / length(gradient) }])
    }
    #expect(training.finding(.stagnation) == nil)
  }

  @Test func gradientsThatShrinkAreMoving() {
    var random = SplitMix64(seed: 84)
    var training = MadeUpTraining([[20, 20]])
    for step in 0..<300 {
      let size = exp(-0.005 * Double(step))
      training.batch([random.normals(400, mean: 1, deviation: 0.3).map { size * $0 }])
    }
    #expect(training.finding(.stagnation) == nil)
  }
}
