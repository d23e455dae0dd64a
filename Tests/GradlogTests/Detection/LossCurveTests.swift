import Testing

@testable import Gradlog

@Suite struct LossCurveTests {
  private func curve(of losses: [Double]) -> LossCurve {
    var curve = LossCurve()
    for loss in losses { curve.add(loss) }
    return curve
  }

  /// Of the losses that whole stretches cover: the stretch doubles whenever 64 of them are full.
  private func quarters(_ losses: [Double]) -> [Double] {
    var stretch = 1
    while losses.count >= 64 * stretch { stretch *= 2 }
    let whole = losses.count / stretch
    guard whole >= 2 else { return [.nan, .nan, .nan] }
    let size = max(1, whole / 4) * stretch
    let end = whole * stretch
    return [0, end - 2 * size, end - size].map { start in
      losses[start..<start + size].reduce(0, +) / Double(size)
    }
  }

  @Test func itsQuartersAreTheMeansOfTheLosses() {
    var random = SplitMix64(seed: 6)
    var found = LossCurve()
    var losses: [Double] = []
    for _ in 0..<1500 {
      losses.append(Double.random(in: 0..<10, using: &random))
      found.add(losses.last!)
      #expect(found.count == losses.count)
      let (first, third, last) = found.quarters
      for (mean, expected) in zip([first, third, last], quarters(losses)) {
        #expect(expected.isNaN ? mean.isNaN : abs(mean - expected) < 1e-9)
      }
    }
  }

  @Test(arguments: [0.01, 1, 100])
  func itsNoiseIsTheDeviationOfTheLosses(deviation: Double) {
    var random = SplitMix64(seed: 7)
    let losses = (0..<4000).map {
      5 - 0.0001 * deviation * Double($0) + deviation * random.normal()
    }
    #expect((0.75...1.25).contains(curve(of: losses).noise / deviation))
    #expect(curve(of: Array(repeating: 3, count: 100)).noise == 0)
  }

  @Test func anEmptyOneKnowsNothing() {
    #expect(LossCurve().quarters.first.isNaN)
    #expect(LossCurve().noise == 0)
    #expect(curve(of: [1]).quarters.last.isNaN)
  }
}
