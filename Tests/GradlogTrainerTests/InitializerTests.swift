import GradlogTrainer
import Testing

/// Spread, mean and bounds of each initializer, for a kernel of 200 × 300.
struct InitializerTests {
  private static let shape = [200, 300]

  /// The initializer, its standard deviation by Keras's formula, and the bound of its values.
  @Test(arguments: [
    (Initializer.randomNormal(), 0.05, Double.infinity), (.randomUniform(), 0.05 / 1.7320508, 0.05),
    (.truncatedNormal(), 0.05 * 0.8796256, 0.1),
    (.glorotUniform, 0.0632456, 0.1095445), (.glorotNormal, 0.0632456, 0.1438011),
    (.heUniform, 0.1, 0.1732051), (.heNormal, 0.1, 0.2273695),
    (.lecunUniform, 0.0707107, 0.1224745), (.lecunNormal, 0.0707107, 0.1607746),
  ])
  func hasKerasSpread(_ initializer: Initializer, _ deviation: Double, _ bound: Double) {
    var source = RandomSource(seed: 11)
    let values = initializer.values(shape: Self.shape, using: &source).map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(values.count == 60_000)
    #expect(abs(mean) < deviation * 0.02)
    #expect(abs(variance.squareRoot() - deviation) < deviation * 0.01)
    let largest = values.map(abs).max() ?? 0
    #expect(largest <= bound * 1.000001)
    if bound.isFinite { #expect(largest > bound * 0.99) }
  }

  @Test(arguments: [[6, 4], [4, 6], [5, 5]])
  func orthogonalIsOrthogonal(_ shape: [Int]) {
    var source = RandomSource(seed: 2)
    let values = Initializer.orthogonal(gain: 2).values(shape: shape, using: &source)
    let (rows, columns) = (shape[0], shape[1])
    func vector(_ index: Int) -> [Float] {
      rows < columns
        ? Array(values[index * columns..<(index + 1) * columns])
        : (0..<rows).map { values[$0 * columns + index] }
    }
    for first in 0..<min(rows, columns) {
      for second in 0...first {
        let product = zip(vector(first), vector(second)).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (first == second ? 4 : 0)) < 1e-5)
      }
    }
  }

  @Test func constants() {
    var source = RandomSource(seed: 0)
    #expect(Initializer.zeros.values(shape: [2], using: &source) == [0, 0])
    #expect(Initializer.ones.values(shape: [2], using: &source) == [1, 1])
    #expect(Initializer.constant(0.5).values(shape: [2], using: &source) == [0.5, 0.5])
  }

  /// The first numbers of the reference code, seeded by SplitMix64 from 0: the sequence must not change.
  @Test func theGeneratorIsXoshiro() {
    var source = RandomSource(seed: 0)
    #expect(
      (0..<3).map { _ in source.next() } == [
        0x99EC_5F36_CB75_F2B4, 0xBF6E_1F78_4956_452A, 0x1A5F_849D_4933_E6E0,
      ])
  }
}
