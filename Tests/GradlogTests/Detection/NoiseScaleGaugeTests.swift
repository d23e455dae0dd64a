import Glibc
import Testing

@testable import Gradlog

@Suite struct NoiseScaleGaugeTests {
  /// g = G + noise has tr Σ ÷ |G|² = dimension · deviation² ÷ |G|².
  @Test(arguments: [0.5, 1, 2]) func isTheRatioOfNoiseToSignal(deviation: Double) {
    var random = SplitMix64(seed: 71)
    var training = MadeUpTraining([[20, 20]])
    for step in 0..<1000 {
      training.batch(
        [random.normals(400, mean: 1, deviation: deviation)], loss: 2 * exp(-0.01 * Double(step)))
    }
    let finding = training.finding(.noiseScale)
    #expect(finding?.severity == .info)
    #expect((finding?.value ?? 0) >= 0.85 * deviation * deviation)
    // The largest that it was.
    #expect((finding?.value ?? 0) <= 1.3 * deviation * deviation)
    #expect(finding?.baseline == nil && finding?.threshold == 1)
    // From the 50th cosine on.
    #expect(training.begun.firstIndex { $0.contains { $0.rule == .noiseScale } } == 50)
    #expect(training.calls == [])
  }

  @Test func gradientsThatAreAlikeHaveNone() {
    var training = MadeUpTraining([[1, 2]])
    for _ in 0..<60 { training.batch([[3, 4]]) }
    #expect((training.finding(.noiseScale)?.value ?? 1) < 1e-9)
  }

  @Test func gradientsThatShareNothingHaveNoScale() {
    var training = MadeUpTraining([[1, 2]])
    for step in 0..<100 { training.batch([[step % 2 == 0 ? 1 : -1, 0]], loss: 0.1) }
    #expect(training.finding(.noiseScale) == nil)
  }
}
