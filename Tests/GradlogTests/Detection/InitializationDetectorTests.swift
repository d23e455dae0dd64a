import Glibc
import Testing

@testable import Gradlog

/// Kernels [64, 64] with their biases. The norm of normal numbers of deviation s is 64 s, their gain 8 s.
@Suite struct InitializationDetectorTests {
  private func trained(
    _ batches: Int = 120, norms: [Double?], shapes: [[Int]]? = nil,
    sizes: [Double]? = nil, thresholds: Thresholds = Thresholds(),
    loss: (Int) -> Double? = { _ in 2.3 }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 81)
    let shapes = shapes ?? norms.map { _ in [64, 64] }
    var training = MadeUpTraining(shapes, initialNorms: norms, thresholds: thresholds)
    for step in 0..<batches {
      let gradients = shapes.enumerated().map { weight, shape in
        random.normals(shape.reduce(1, *), deviation: sizes?[weight] ?? 0.01)
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
    let training = trained(norms: [0.08, 0.16, 0.08], loss: halfway)
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
      trained(norms: [0.08, 0.08], loss: { 2.3 * exp(-Double($0) / 30) }), .smallWeights)
    #expect(found?.severity == .info && found?.isOver == true)
    let late = finding(
      trained(200, norms: [0.08, 0.08], loss: { $0 < 100 ? 2.3 : 0.1 }), .smallWeights)
    #expect(late?.severity == .warning && late?.isOver == true)
  }

  /// Glorot's and He's, PyTorch's default of about 0.58 in gain, and a transformer's 0.02.
  @Test(arguments: [8.0, 11.3, 4.6, 1.28]) func usualInitializationsAreNotNamed(norm: Double) {
    let training = trained(norms: [norm, norm, norm], loss: halfway)
    #expect(finding(training, .smallWeights) == nil && finding(training, .largeWeights) == nil)
  }

  @Test func whatWasNotToldIsNotJudged() {
    for norms in [[nil, nil, nil], [0.08, nil, nil]] as [[Double?]] {
      #expect(finding(trained(norms: norms, loss: halfway), .smallWeights) == nil)
    }
  }

  @Test func oneSmallKernelOfManyIsAMatterOfDesign() {
    #expect(finding(trained(norms: [0.08, 8, 8], loss: halfway), .smallWeights) == nil)
    #expect(finding(trained(norms: [0.08, 0.08, 8, 8], loss: halfway), .smallWeights) == nil)
  }

  /// Heads, gates and adapters begin with zeros on purpose.
  @Test func zerosTellNothing() {
    #expect(finding(trained(norms: [0, 0, 8, 8], loss: halfway), .smallWeights) == nil)
    #expect(finding(trained(norms: [0, 0, 0], loss: halfway), .smallWeights) == nil)
  }

  @Test func theFirstKernelWhoseGradientVanishedIsNamed() {
    let training = trained(
      norms: [0.08, 0.08, 0.08], sizes: [1e-4, 1e-6, 1e-2], loss: halfway)
    #expect(finding(training, .smallWeights)?.weight == 1)
  }

  @Test func withoutALossOnlyTheSmallestAreBlamed() {
    func severity(_ norm: Double) -> Rule.Severity? {
      finding(trained(norms: [norm, norm], loss: { _ in nil }), .smallWeights)?.severity
    }
    #expect(severity(0.08) == .critical)
    #expect(severity(0.3) == .warning)
  }

  @Test func aKernelThatIsFarTooLargeIsNamed() {
    let found = finding(trained(norms: [8, 800, 8], loss: halfway), .largeWeights)
    #expect(found?.rule == .exploding && found?.severity == .critical && found?.weight == 1)
    #expect(abs((found?.value ?? 0) - 100) < 1e-9)
  }

  /// An embedding of 50,000 rows of unit normals has a gain of 67: its rows are not added up.
  @Test func aLookupOfUnitNormalsIsHealthy() {
    let training = trained(
      80, norms: [1000, 8], shapes: [[15_625, 64], [64, 64]], loss: halfway)
    #expect(finding(training, .largeWeights) == nil)
  }

  /// What follows from it is told by the rule that saw it.
  @Test func largeWeightsAreAWarningBesideWhatTheyLeadTo() {
    let flat = trained(norms: [8, 800, 8])
    #expect(flat.finding(.stagnation)?.severity == .critical)
    #expect(finding(flat, .largeWeights)?.severity == .warning)
  }

  @Test func underLargeWeightsTheLossHasToBecomeLow() {
    // Ninety percent below first losses that were ten times those of guessing.
    let high = finding(
      trained(norms: [8, 800, 8], loss: { 41 * exp(-Double($0) / 20) + 4 }), .largeWeights)
    #expect(high?.severity == .critical)
    let low = finding(
      trained(200, norms: [8, 800, 8], loss: { 41 * exp(-Double($0) / 20) + 1 }), .largeWeights)
    #expect(low?.isOver == true)
  }

  @Test func thresholdsCanBeChanged() throws {
    var thresholds = Thresholds()
    let small = try #require(Thresholds.all.first { $0.name == "vanishing.weights" })
    thresholds[threshold: small] = 0.005
    #expect(
      finding(trained(norms: [0.08, 0.08], thresholds: thresholds, loss: halfway), .smallWeights)
        == nil)
  }
}
