import Glibc
import Testing

@testable import Gradlog

/// Kernels [16, 16], whose values have the norm 4 γ when their gain is γ.
@Suite struct InitializationDetectorTests {
  private func trained(
    _ batches: Int = 120, gains: [Double?], sizes: [Double]? = nil,
    thresholds: Thresholds = Thresholds(),
    loss: (Int) -> Double? = { _ in 2.3 }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 81)
    var training = MadeUpTraining(
      gains.map { _ in [16, 16] }, initialNorms: gains.map { gain in gain.map { 4 * $0 } },
      thresholds: thresholds)
    for step in 0..<batches {
      let gradients = gains.indices.map { weight in
        random.normals(256, deviation: sizes?[weight] ?? 0.01)
      }
      training.batch(gradients, loss: loss(step).map { $0 + 0.01 * random.normal() })
    }
    return training
  }

  private func finding(_ training: MadeUpTraining, _ symptom: Symptom) -> Finding? {
    training.detectors.findings.first { $0.symptom == symptom }
  }

  /// A loss that falls by two fifths, which is no stagnation, and not enough to forgive.
  private func halfway(_ step: Int) -> Double { step < 40 ? 2.3 - 0.023 * Double(step) : 1.38 }

  @Test func weightsThatAreFarTooSmallAreBlamedWhenTheTrainingDoesNotGetOn() {
    let training = trained(gains: [0.01, 0.02, 0.01], loss: halfway)
    let found = finding(training, .smallWeights)
    #expect(found?.rule == .vanishing && found?.severity == .critical && found?.weight == 0)
    // The median of 0.01, 0.02 and 0.01.
    #expect(abs((found?.value ?? 0) - 0.01) < 1e-12)
    #expect(found?.first.step == 0 && found?.last.step == 119 && found?.batchCount == 120)
    let told = training.begun.enumerated().flatMap { step, findings in
      findings.filter { $0.symptom == .smallWeights }.map { (step, $0.severity) }
    }
    #expect(told.map(\.0) == [3, 59] && told.map(\.1) == [.warning, .critical])
  }

  @Test func thatIsOverWhenItLearns() {
    let found = finding(
      trained(gains: [0.01, 0.01], loss: { 2.3 * exp(-Double($0) / 30) }), .smallWeights)
    #expect(found?.severity == .info && found?.isOver == true)
    let late = finding(
      trained(200, gains: [0.01, 0.01], loss: { $0 < 100 ? 2.3 : 0.1 }), .smallWeights)
    #expect(late?.severity == .warning && late?.isOver == true)
  }

  /// Glorot's and He's, PyTorch's default of about 0.58 in gain, and a transformer's 0.02.
  @Test(arguments: [1, 1.41, 0.58, 0.16]) func usualInitializationsAreNotNamed(gain: Double) {
    let training = trained(gains: [gain, gain, gain], loss: halfway)
    #expect(finding(training, .smallWeights) == nil && finding(training, .largeWeights) == nil)
  }

  @Test func whatWasNotToldIsNotJudged() {
    for gains in [[nil, nil, nil], [0.01, nil, nil]] as [[Double?]] {
      #expect(finding(trained(gains: gains, loss: halfway), .smallWeights) == nil)
    }
  }

  @Test func oneSmallKernelOfManyIsAMatterOfDesign() {
    #expect(finding(trained(gains: [0.01, 1, 1], loss: halfway), .smallWeights) == nil)
    #expect(finding(trained(gains: [0.01, 0.01, 1, 1], loss: halfway), .smallWeights) == nil)
  }

  /// Heads, gates and adapters begin with zeros on purpose.
  @Test func zerosTellNothing() {
    #expect(finding(trained(gains: [0, 0, 1, 1], loss: halfway), .smallWeights) == nil)
    #expect(finding(trained(gains: [0, 0, 0], loss: halfway), .smallWeights) == nil)
  }

  @Test func theFirstKernelWhoseGradientVanishedIsNamed() {
    let training = trained(
      gains: [0.01, 0.01, 0.01], sizes: [1e-4, 1e-6, 1e-2], loss: halfway)
    #expect(finding(training, .smallWeights)?.weight == 1)
  }

  /// It says why gradients vanish, and is not replaced by where they do.
  @Test(arguments: [0.01, 1]) func whatSmallWeightsLeadToIsExplainedByThem(gain: Double) {
    let training = trained(
      50, gains: [gain, gain, gain, gain], sizes: [1e-7, 1e-5, 1e-4, 1e-2], loss: { _ in 2.3 })
    let found = training.finding(.vanishing, 0)
    #expect(found?.severity == .critical && found?.first.step == 0)
    #expect(found?.symptom == (gain < 0.1 ? .smallWeights : .depth))
  }

  @Test func withoutALossOnlyTheSmallestAreBlamed() {
    func severity(_ gain: Double) -> Rule.Severity? {
      finding(trained(gains: [gain, gain], loss: { _ in nil }), .smallWeights)?.severity
    }
    #expect(severity(0.01) == .critical)
    #expect(severity(0.04) == .warning)
  }

  @Test func aKernelThatIsFarTooLargeIsNamed() {
    let found = finding(trained(gains: [1, 100, 1], loss: halfway), .largeWeights)
    #expect(found?.rule == .exploding && found?.severity == .critical && found?.weight == 1)
    #expect(abs((found?.value ?? 0) - 100) < 1e-9)
  }

  /// An embedding of 50,000 rows of 64 unit normals has a gain of 42: its rows are not added up.
  @Test func aLookupOfUnitNormalsIsHealthy() {
    var training = MadeUpTraining([[50_000, 64], [16, 16]], initialNorms: [1789, 4])
    for step in 0..<80 {
      let gradients = (0..<2).map { weight in
        var gradient = ObservedGradient(weight: weight)
        gradient.norm = 1
        return gradient
      }
      training.batch(gradients, loss: halfway(step))
    }
    #expect(finding(training, .largeWeights) == nil)
  }

  /// What follows from it is told by the rule that saw it.
  @Test func largeWeightsAreAWarningBesideWhatTheyLeadTo() {
    let flat = trained(gains: [1, 100, 1])
    #expect(flat.finding(.stagnation)?.severity == .critical)
    #expect(finding(flat, .largeWeights)?.severity == .warning)
  }

  @Test func underLargeWeightsTheLossHasToBecomeLow() {
    // Ninety percent below first losses that were ten times those of guessing.
    let high = finding(
      trained(gains: [1, 100, 1], loss: { 41 * exp(-Double($0) / 20) + 4 }), .largeWeights)
    #expect(high?.severity == .critical)
    let low = finding(
      trained(200, gains: [1, 100, 1], loss: { 41 * exp(-Double($0) / 20) + 1 }), .largeWeights)
    #expect(low?.isOver == true)
  }

  @Test func thresholdsCanBeChanged() throws {
    var thresholds = Thresholds()
    let small = try #require(Thresholds.all.first { $0.name == "vanishing.weights" })
    thresholds[small] = 0.005
    #expect(
      finding(trained(gains: [0.01, 0.01], thresholds: thresholds, loss: halfway), .smallWeights)
        == nil)
  }
}
