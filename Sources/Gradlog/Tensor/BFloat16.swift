/// A bfloat16 number: the upper 16 bits of an IEEE 754 binary32.
public struct BFloat16: Sendable, Hashable {
  /// Sign, 8 exponent bits, 7 fraction bits.
  public var bitPattern: UInt16

  /// The number with these bits.
  public init(bitPattern: UInt16) {
    self.bitPattern = bitPattern
  }

  /// The bfloat16 nearest to `value`, ties to even; a NaN stays a NaN.
  public init(_ value: Double) {
    var single = Float(value)
    // Rounding twice could round a tie the wrong way. An inexact Float is made odd, so that it is
    // never a tie (S. Boldo and G. Melquiond, "Emulation of FMA and Correctly Rounded Sums: Proved
    // Algorithms Using Rounding to Odd", IEEE Transactions on Computers 57(4), 2008).
    if single.isFinite, Double(single) != value {
      let towardsZero = Double(single).magnitude > value.magnitude
      single = Float(bitPattern: (towardsZero ? single.bitPattern - 1 : single.bitPattern) | 1)
    }
    self.init(single)
  }

  /// The bfloat16 nearest to `value`, ties to even; a NaN stays a NaN.
  public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      // Rounding could carry a NaN's fraction over into infinity; the quiet bit keeps it a NaN.
      bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
    } else {
      let roundToEven = 0x7FFF + ((bits >> 16) & 1)
      bitPattern = UInt16(truncatingIfNeeded: (bits &+ roundToEven) >> 16)
    }
  }
}

extension Float {
  /// The same number; every bfloat16 is a Float.
  public init(_ value: BFloat16) {
    self.init(bitPattern: UInt32(value.bitPattern) << 16)
  }
}
