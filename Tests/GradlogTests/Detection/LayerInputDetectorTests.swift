import Glibc
import Testing

@testable import Gradlog

/// Gradients of dense layers as they come about: Σ δxᵀ and Σ δ over examples, for inputs x of a known size.
@Suite struct LayerInputDetectorTests {
  /// Layers of 6 inputs and 4 outputs, kernels [6, 4] with their biases; `inputs` and `errors` are the root mean squares of x
  /// and δ, layer by layer. `cancelling` is what of a bias's gradient is left where the errors of a batch sum up to nothing.
  private func trained(
    _ batches: Int = 12, inputs: [Double], errors: Double = 0.5, isTransposed: Bool = false,
    cancelling: (Int) -> Double = { _ in 1 }, loss: (Int) -> Double? = { _ in nil }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 71)
    var training = MadeUpTraining(inputs.flatMap { _ in [isTransposed ? [4, 6] : [6, 4], [4]] })
    for step in 0..<batches {
      let gradients = inputs.flatMap { size -> [[Double]] in
        var kernel = [Double](repeating: 0, count: 24)
        var bias = [Double](repeating: 0, count: 4)
        for _ in 0..<8 {
          let x = random.normals(6, deviation: size)
          let delta = random.normals(4, deviation: errors)
          for (row, input) in x.enumerated() {
            for (column, error) in delta.enumerated() {
              kernel[isTransposed ? column * 6 + row : row * 4 + column] += error * input / 8
            }
          }
          for column in 0..<4 { bias[column] += delta[column] / 8 }
        }
        return [kernel, bias.map { $0 * cancelling(step) }]
      }
      training.batch(gradients, loss: loss(step))
    }
    return training
  }

  private func finding(_ training: MadeUpTraining) -> Finding? {
    training.detectors.findings.first { $0.symptom == .largeInputs }
  }

  @Test(arguments: [false, true]) func activationsThatGrewAreTold(isTransposed: Bool) {
    let training = trained(inputs: [1, 8, 60, 400], isTransposed: isTransposed)
    let found = finding(training)
    #expect(found?.rule == .exploding && found?.severity == .critical)
    // The first layer whose inputs are too large, and the size of those of the last one, least of four.
    #expect(found?.weight == 4)
    #expect((200...500).contains(found?.value ?? 0))
    #expect(found?.first.step == 0 && found?.last.step == 11)
    #expect(training.begun.firstIndex { $0.contains { $0.symptom == .largeInputs } } == 3)
  }

  @Test func dataThatNobodyScaledNamesTheFirstLayer() {
    #expect(finding(trained(inputs: [255, 200, 150]))?.weight == 0)
  }

  @Test func whatANormalizationMakesSmallAgainIsHealthy() {
    #expect(finding(trained(inputs: [255, 1, 1])) == nil)
    #expect(finding(trained(inputs: [1, 1, 8])) == nil)
  }

  /// Targets and losses that are large, or small, make all gradients so.
  @Test(arguments: [1e5, 1, 0.1]) func theScaleOfTheLossDoesNotCount(errors: Double) {
    #expect(finding(trained(inputs: [1, 1, 1], errors: errors)) == nil)
    #expect((finding(trained(inputs: [1, 50, 80], errors: errors))?.value ?? 0) > 40)
  }

  @Test func aBiasThatCancelsOutTellsNothing() {
    // It cannot change the loss: what is left is rounding.
    #expect(finding(trained(inputs: [1, 1, 1], cancelling: { _ in 1e-7 })) == nil)
    #expect(finding(trained(inputs: [1, 90, 90], cancelling: { _ in 1e-7 })) == nil)
    // By chance, in three batches of the first four.
    #expect(finding(trained(inputs: [1, 1, 1], cancelling: { $0 < 3 ? 0.05 : 1 })) == nil)
  }

  @Test func whatTheTrainingMakesOfItLaterIsNotTheNetworks() {
    var random = SplitMix64(seed: 72)
    var training = MadeUpTraining([[6, 4], [4]])
    for step in 0..<40 {
      let size = step < 3 ? 1.0 : 500
      training.batch([random.normals(24, deviation: size), random.normals(4)], loss: 1)
    }
    #expect(finding(training) == nil)
  }

  /// The loss began a hundred times too high: a fall by 90 % is not yet one.
  @Test func itIsOverWhenTheLossHasComeDownByThatMuchMore() {
    func falling(to end: Double) -> Finding? {
      finding(
        trained(120, inputs: [1, 100], loss: { 400 * pow(end / 400, min(1, Double($0) / 60)) }))
    }
    #expect(falling(to: 40)?.severity == .critical)
    // Low enough for the size of the inputs, but not lower than guessing one of four.
    #expect(falling(to: 0.8)?.severity == .critical)
    let learned = falling(to: 0.3)
    #expect(learned?.severity == .warning && learned?.isOver == true)
  }

  @Test func layersWithoutABiasAreLeftOut() {
    var random = SplitMix64(seed: 73)
    var training = MadeUpTraining([[6, 4], [4, 5]])
    for _ in 0..<8 { training.batch([random.normals(24, deviation: 1e3), random.normals(20)]) }
    #expect(finding(training) == nil)
  }

  @Test(arguments: [0, Double.nan, .infinity]) func gradientsThatAreNoneDoNotCount(_ odd: Double) {
    var training = MadeUpTraining([[6, 4], [4]])
    let kernel = [Double](repeating: 100, count: 24)
    for _ in 0..<12 { training.batch([kernel, [Double](repeating: odd, count: 4)]) }
    #expect(finding(training) == nil)
  }
}
