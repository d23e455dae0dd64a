import Glibc
import Testing

@testable import Gradlog

@Suite struct VanishingDetectorTests {
  /// Six kernels with their biases.
  private let shapes = (0..<6).flatMap { _ in [[2, 3], [3]] }

  /// A batch in which the size of the kernels' elements goes from `shallow` to 10^-2, along the depth.
  private func gradients(
    _ shallow: Double, _ random: inout SplitMix64, deep: Double = 1e-2
  ) -> [[Double]?] {
    (0..<6).flatMap { depth -> [[Double]?] in
      let size = shallow * pow(deep / shallow, Double(depth) / 5)
      func noisy(_ count: Int) -> [Double] {
        random.normals(count).map { size * (1 + 0.2 * $0) }
      }
      return [noisy(6), noisy(3)]
    }
  }

  private func trained(
    _ batches: Int, shallow: (Int) -> Double, deep: Double = 1e-2,
    loss: (Int) -> Double? = { _ in nil }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 11)
    var training = MadeUpTraining(shapes)
    for step in 0..<batches {
      training.batch(gradients(shallow(step), &random, deep: deep), loss: loss(step))
    }
    return training
  }

  @Test func aProfileThatFallsByDecadesNamesTheFirstKernel() {
    let training = trained(40, shallow: { _ in 1e-6 })
    #expect(training.troubles == ["vanishing critical 0 0...39 40"])
    #expect(training.calls == ["19: vanishing critical"])
    let finding = training.finding(.vanishing, 0)
    // Medians of the outer thirds: their upper kernel.
    #expect(abs(log10(finding?.value ?? 1) - (-6 + 4 / 5)) < 0.1)
    #expect(abs(log10(finding?.baseline ?? 1) - -2) < 0.1)
    // Two decades below the last ones, where the first may be no smaller.
    #expect(abs(log10(finding?.threshold ?? 1) - -4) < 0.1)
    #expect(
      finding?.evidence(of: "a").hasPrefix("the gradients of the first kernels are about 6.")
        == true)
  }

  @Test(arguments: [1e-3, 1e-2, 1e-1])
  func aProfileThatIsNotSteepIsHealthy(shallow: Double) {
    // Gradients that stay as they are make a loss fall.
    let training = trained(200, shallow: { _ in shallow }, loss: { 2 - 0.008 * Double($0) })
    #expect(training.troubles == [])
  }

  @Test func itMustLast() {
    // A dip is smoothed away, and nineteen batches are not yet twenty.
    #expect(trained(60, shallow: { $0 == 30 ? 1e-9 : 1e-2 }).troubles == [])
    #expect(trained(19, shallow: { _ in 1e-6 }).troubles == [])
  }

  @Test func aNetworkThatLearnsMayBeSteep() {
    let training = trained(
      200, shallow: { _ in 1e-6 }, loss: { 2 * exp(-0.03 * Double($0)) })
    #expect(training.finding(.vanishing, 0)?.severity == .warning)
  }

  @Test func oneThatDoesNotIsSick() {
    let training = trained(50, shallow: { _ in 1e-6 }, loss: { _ in 2 })
    #expect(training.finding(.vanishing, 0)?.severity == .critical)
    #expect(training.finding(.vanishing, 0)?.first.step == 0)
  }

  /// The last layers come to rest on a constant answer, so that all gradients are alike; the first ones never grew.
  @Test func withoutALossWhatDoesNotRiseIsNotOver() {
    func resting(_ shallow: @escaping (Int) -> Double) -> Finding? {
      var random = SplitMix64(seed: 12)
      var training = MadeUpTraining(shapes)
      for step in 0..<150 {
        let deep = step < 40 ? 1e-2 : max(1e-7, 1e-2 * pow(10, -0.2 * Double(step - 40)))
        training.batch(gradients(shallow(step), &random, deep: deep), loss: nil)
      }
      return training.finding(.vanishing, 0)
    }
    let still = resting { _ in 1e-7 }
    #expect(still?.severity == .critical && still?.isOver == false)
    let risen = resting { $0 < 60 ? 1e-7 : 1e-3 }
    #expect(risen?.severity == .warning && risen?.isOver == true)
  }

  /// A clip to 1e-6, or saturated outputs: nothing tells what the loss is, but these gradients never were any.
  @Test func withoutALossFirstGradientsOfNothingTell() {
    func small(_ size: @escaping (Int) -> Double, loss: Double? = nil) -> Finding? {
      var random = SplitMix64(seed: 13)
      var training = MadeUpTraining(shapes)
      for step in 0..<90 {
        training.batch(gradients(size(step), &random, deep: size(step)), loss: loss)
      }
      return training.finding(.vanishing, 0)
    }
    let tiny = small { _ in 1e-7 }
    #expect(tiny?.symptom == .tiny && tiny?.severity == .critical)
    // Ten times as large is what a small loss has, and what becomes small has been learned.
    #expect(small { _ in 1e-6 } == nil)
    #expect(small { $0 < 10 ? 1e-4 : 1e-7 } == nil)
    // They grow: a training that begins slowly.
    #expect(small { $0 < 30 ? 1e-7 : 1e-3 } == nil)
    // A loss that is as small has such gradients.
    #expect(small({ _ in 1e-7 }, loss: 1e-4) == nil)
  }

  @Test func gradientsThatAreNextToNothingVanishEverywhere() {
    let training = trained(40, shallow: { _ in 1e-12 }, deep: 1e-12, loss: { _ in 2 })
    #expect(training.troubles == ["vanishing critical 0 0...39 40"])
    #expect(training.finding(.vanishing, 0)?.symptom == .tiny)
    // So are they when a training has come to its end.
    let done = trained(
      200, shallow: { _ in 1e-12 }, deep: 1e-12, loss: { $0 < 30 ? 2 : 1e-5 })
    #expect(done.finding(.vanishing, 0)?.last.step ?? 0 < 60)
  }

  @Test func theRowsThatABatchDoesNotTouchSayNothing() {
    var random = SplitMix64(seed: 12)
    var training = MadeUpTraining([[100, 4]] + shapes)
    for step in 0..<60 {
      var embedding = [Double](repeating: 0, count: 400)
      for column in 0..<4 { embedding[4 * (step % 100) + column] = 1e-9 * (1 + random.normal()) }
      training.batch([embedding] + gradients(1e-2, &random))
    }
    #expect(training.troubles == [])
  }

  /// Where the gates of a network are shut, the first layers get theirs by another way.
  private func withMiddle(
    _ decades: Double, kernels: Int = 6, batches: Int = 40, loss: (Int) -> Double? = { _ in 2 }
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 19)
    var training = MadeUpTraining((0..<kernels).map { _ in [3, 4] })
    let middle = kernels / 3..<kernels - kernels / 3
    for step in 0..<batches {
      let gradients = (0..<kernels).map { depth -> [Double]? in
        let size = middle.contains(depth) ? 1e-1 * pow(10, -decades) : 1e-1
        return random.normals(12, mean: size, deviation: 0.2 * size)
      }
      training.batch(gradients, loss: loss(step))
    }
    return training
  }

  @Test func gradientsThatVanishInTheMiddleAreSeen() {
    let training = withMiddle(4.5)
    #expect(training.troubles == ["vanishing critical 2 0...39 40"])
    let finding = training.finding(.vanishing, 2)
    #expect(finding?.symptom == .depth)
    #expect(abs(log10(finding?.value ?? 1) - -5.5) < 0.1)
    #expect(abs(log10(finding?.baseline ?? 1) - -1) < 0.1)
    let learning = withMiddle(4.5, batches: 100) { 2 * exp(-0.05 * Double($0)) }
    #expect(learning.finding(.vanishing, 2)?.severity == .warning)
  }

  @Test func aMiddleThatIsSmallIsHealthy() {
    // Less than four decades, or no third of its own in the middle.
    #expect(withMiddle(3.5).troubles == [])
    #expect(withMiddle(4.5, kernels: 5).troubles == [])
    #expect(withMiddle(4.5, batches: 19).troubles == [])
  }

  @Test func networksOfOneOrTwoKernelsHaveNoDepth() {
    for count in 1...2 {
      var training = MadeUpTraining(Array(repeating: [1, 1], count: count))
      for _ in 0..<60 { training.batch((0..<count).map { [pow(10, -6 + 5 * Double($0))] }) }
      #expect(training.troubles.filter { $0.hasPrefix("vanishing") } == [])
    }
  }
}
