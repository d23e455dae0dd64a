/// The generator behind initial weights, shuffling and example data: xoshiro256**, seeded by SplitMix64.
///
/// One seed gives one sequence on every machine. Source: D. Blackman, S. Vigna, "Scrambled Linear
/// Pseudorandom Number Generators", ACM TOMS 47 (2021), and the reference code at
/// https://prng.di.unimi.it.
public struct RandomSource: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// Starts the sequence of `seed`; `stream` tells apart independent sequences of one seed.
  public init(seed: UInt64, stream: UInt64 = 0) {
    var mixer = seed &+ stream &* 0xD1B5_4A32_D192_ED03
    func next() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      var z = mixer
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = (next(), next(), next(), next())
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    func rotate(_ value: UInt64, by count: UInt64) -> UInt64 {
      (value << count) | (value >> (64 - count))
    }
    let result = rotate(state.1 &* 5, by: 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, by: 45)
    return result
  }

  /// A number in [0, 1) with 53 random bits.
  ///
  /// Written out here rather than left to `Double.random`, whose algorithm the standard library may
  /// change.
  public mutating func uniform() -> Double {
    Double(next() >> 11) * 0x1p-53
  }

  /// A whole number in 0..<bound; the bias of at most bound/2⁶⁴ is beyond measurement.
  ///
  /// - Parameter bound: at least 1.
  /// - Returns: the number.
  mutating func index(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Puts `order` into a random order (Fisher and Yates).
  mutating func shuffle(_ order: inout [Int]) {
    for last in stride(from: order.count - 1, to: 0, by: -1) {
      order.swapAt(last, index(below: last + 1))
    }
  }
}
