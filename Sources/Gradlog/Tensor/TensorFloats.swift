/// The elements of the types that are no wider than float32, as Floats.
extension TensorView {
  /// The elements from `start` on as float32: where they are, or exactly converted in `scratch`, which
  /// has room for them. No float64 tensor has such a block.
  @inline(__always)
  func floatBlock(from start: Int, count: Int, in scratch: UnsafeMutableRawPointer) -> FloatBlock? {
    guard let base = bytes.baseAddress?.advanced(by: start * dtype.byteWidth) else { return nil }
    switch dtype {
    case .float32: return FloatBlock(start: base, count: count)
    case .bfloat16: Self.widen(base, count, into: scratch) { $0 &<< 16 }
    case .float16: Self.widen(base, count, into: scratch, Self.bits(ofHalves:))
    case .float64: return nil
    }
    return FloatBlock(start: scratch, count: count)
  }

  /// Stores the bits that `convert` makes of those of each of `count` elements, two bytes wide.
  @inline(__always)
  private static func widen(
    _ source: UnsafeRawPointer, _ count: Int, into scratch: UnsafeMutableRawPointer,
    _ convert: (SIMD4<UInt32>) -> SIMD4<UInt32>
  ) {
    let vectorized = count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let halves = source.loadUnaligned(fromByteOffset: index &* 2, as: SIMD4<UInt16>.self)
      let words = convert(SIMD4<UInt32>(truncatingIfNeeded: halves))
      scratch.storeBytes(of: words, toByteOffset: index &* 4, as: SIMD4<UInt32>.self)
    }
    for index in vectorized..<count {
      let half = source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)
      let word = convert(SIMD4(repeating: UInt32(half)))[0]
      scratch.storeBytes(of: word, toByteOffset: index &* 4, as: UInt32.self)
    }
  }

  /// The bits of the Floats equal to the numbers whose binary16 bits are `halves`. No operand is a
  /// subnormal Float, which would be slow, and zero in a process that flushes subnormals.
  @inline(__always)
  private static func bits(ofHalves halves: SIMD4<UInt32>) -> SIMD4<UInt32> {
    let magnitude = halves & 0x7FFF
    let normal = magnitude &<< 13 &+ 112 &<< 23
    // A subnormal's fraction f, with an exponent put before it, is 2⁻¹⁴(1 + f); 2⁻¹⁴ too much.
    let shifted = unsafeBitCast(normal &+ 1 &<< 23, to: SIMD4<Float>.self)
    let subnormal = unsafeBitCast(shifted - 0x1p-14, to: SIMD4<UInt32>.self)
    var bits = normal
    bits.replace(with: subnormal, where: magnitude .< 0x400)
    bits.replace(with: normal | 0x7F80_0000, where: magnitude .>= 0x7C00)
    return bits | (halves & 0x8000) &<< 16
  }
}
