import Foundation

/// Draws from normal × lognormal, the same ones in every process.
struct HeavyTails {
  private var generator: SplitMix64
  private let pool: [Float]

  init(seed: UInt64) {
    var generator = SplitMix64(state: seed)
    pool = (0..<1 << 22).map { _ in
      let (first, second) = Self.normals(&generator)
      return Float(first * exp(second))
    }
    self.generator = generator
  }

  /// Replaces `tensor` by so many elements of about this size.
  mutating func fill(_ tensor: inout [Float], count: Int, scale: Double) {
    let start = Int(truncatingIfNeeded: generator.next() >> 42)
    let (noise, _) = Self.normals(&generator)
    let factor = Float(scale * exp(0.1 * noise))
    let mask = pool.count - 1
    tensor = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      for index in 0..<count { buffer[index] = pool[(start + index) & mask] * factor }
      initialized = count
    }
  }

  /// Two independent normal draws: Box and Muller's.
  private static func normals(_ generator: inout SplitMix64) -> (Double, Double) {
    let radius = sqrt(
      -2 * log(Double.random(in: Double.leastNormalMagnitude..<1, using: &generator)))
    let angle = Double.random(in: 0..<2 * .pi, using: &generator)
    return (radius * cos(angle), radius * sin(angle))
  }
}

/// A small generator with a seed. https://prng.di.unimi.it/splitmix64.c
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
