import Glibc
import Testing

@testable import Gradlog

@Suite struct KernelProfileTests {
  private func weight(_ position: Int, _ shape: [Int]) -> ObservedWeight {
    ObservedWeight(position: position, shape: shape, dtype: .float32)
  }

  private func gradient(_ weight: Int, _ norm: Double, zeros: Int = 0) -> ObservedGradient {
    var gradient = ObservedGradient(weight: weight)
    gradient.norm = norm
    gradient.zeroCount = zeros
    return gradient
  }

  @Test func aLevelIsTheSmoothedLogarithmOfTheSizeOfAnElement() {
    var random = SplitMix64(seed: 8)
    let weights = [weight(0, [4, 5]), weight(1, [5]), weight(2, [5, 2])]
    var profile = KernelProfile()
    var smoothed = Double.nan
    for count in 1...100 {
      let norm = exp(random.normal())
      let zeros = Int.random(in: 0..<20, using: &random)
      profile.observe([gradient(0, norm, zeros: zeros), gradient(1, 5), gradient(2, 1)], weights)
      let size = log10(norm / Double(20 - zeros).squareRoot())
      smoothed = count == 1 ? size : smoothed + max(0.1, 1 / Double(count)) * (size - smoothed)
      #expect(profile.kernels == [0, 2])
      #expect(abs(profile.level(of: 0) - smoothed) < 1e-12)
    }
    #expect(abs(profile.level(of: 2) - log10(1 / 10.0.squareRoot())) < 1e-12)
    #expect(profile.ends == nil)
    #expect(profile.largest?.kernel == (profile.level(of: 0) > profile.level(of: 2) ? 0 : 2))
  }

  @Test(arguments: 0..<12)
  func itsEndsAreTheMediansOfTheOuterThirds(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let weights = (0..<count).map { weight($0, [1, 1]) }
    let sizes = random.normals(count)
    var profile = KernelProfile()
    // Whatever the order they come in.
    let order = Array(0..<count).shuffled(using: &random)
    profile.observe(order.map { gradient($0, pow(10, sizes[$0])) }, weights)
    #expect(profile.kernels == Array(0..<count))
    guard count >= 3 else {
      #expect(profile.ends == nil)
      return
    }
    let third = count / 3
    func median(_ part: ArraySlice<Double>) -> Double { part.sorted()[third / 2] }
    #expect(abs(profile.ends!.shallow - median(sizes.prefix(third))) < 1e-12)
    #expect(abs(profile.ends!.deep - median(sizes.suffix(third))) < 1e-12)
    #expect(abs(profile.largest!.level - sizes.max()!) < 1e-12)
    guard third >= 2 else { return #expect(profile.middle == nil) }
    #expect(abs(profile.middle! - median(sizes[third..<2 * third])) < 1e-12)
  }

  @Test func whatHasNoSizeIsLeftOut() {
    let weights = (0..<7).map { weight($0, [2, 3]) } + [weight(7, [0, 3]), weight(8, [3])]
    var lookup = gradient(5, 1, zeros: 3)
    (lookup.zeroRows, lookup.zeroColumns) = (2, 0)
    var profile = KernelProfile()
    profile.observe(
      [
        gradient(0, 0), gradient(1, .nan), gradient(2, .infinity), gradient(3, 1, zeros: 6),
        ObservedGradient(absent: 4), lookup, gradient(6, 2), gradient(7, 1), gradient(8, 1),
      ], weights)
    #expect(profile.kernels == [6])
    #expect(profile.level(of: 6) == log10(2) - 0.5 * log10(6))
    profile.observe([], weights)
    #expect(profile.kernels == [] && profile.largest == nil)
  }

  @Test func aHugeEmbeddingIsALookup() {
    var embedding = gradient(0, 1, zeros: .max - 2)
    (embedding.zeroRows, embedding.zeroColumns) = (.max - 2, 0)
    var profile = KernelProfile()
    profile.observe([embedding], [weight(0, [.max, 1])])
    #expect(profile.kernels == [])
  }
}
