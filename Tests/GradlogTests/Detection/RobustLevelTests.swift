import Testing

@testable import Gradlog

@Suite struct RobustLevelTests {
  private func level(of values: [Double]) -> RobustLevel {
    var level = RobustLevel()
    for value in values { level.add(value) }
    return level
  }

  @Test func isTheFirstValueAtFirst() {
    #expect(RobustLevel().level.isNaN)
    let first = level(of: [3])
    #expect(first.level == 3 && first.spread == 0 && first.count == 1)
    #expect(first.rise(of: 5) == 2)
  }

  @Test func isTheMeanWhileThereAreFewValues() {
    var random = SplitMix64(seed: 2)
    let values = random.normals(8, mean: 10)
    let mean = values[..<7].reduce(0, +) / 7
    #expect(abs(level(of: Array(values[..<7])).level - mean) < 1e-12)
  }

  @Test func followsALevelThatMoves() {
    var random = SplitMix64(seed: 3)
    let values = (0..<400).map { 0.01 * Double($0) + 0.1 * random.normal() }
    let found = level(of: values)
    #expect(abs(found.level - 4) < 0.4)
    #expect((0.05...0.3).contains(found.spread))
  }

  @Test(arguments: [1, 10, 100, 1e6, 1e300])
  func oneValueFarAwayHardlyMovesIt(distance: Double) {
    var random = SplitMix64(seed: 4)
    let values = random.normals(200)
    let before = level(of: values)
    var after = before
    after.add(before.level + distance)
    // A twentieth of two spreads, and of the distance at most.
    #expect(after.level - before.level <= 0.05 * (2 * before.spread + 0.05) * (1 + 1e-12))
    #expect(after.spread <= 1.2 * before.spread + 0.01)
  }

  @Test func staysFinite() {
    var random = SplitMix64(seed: 5)
    var found = RobustLevel()
    for _ in 0..<2000 {
      found.add([-1074, 1024, 0, .leastNonzeroMagnitude].randomElement(using: &random)!)
      #expect(found.level.isFinite && found.spread.isFinite && found.spread >= 0)
      #expect((-1100...1100).contains(found.level))
    }
  }
}
