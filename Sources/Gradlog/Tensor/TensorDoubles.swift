/// The elements as Doubles, which hold every number of every element type.
extension TensorView {
  /// Converts the elements to Double, `length` at a time, and calls `body` after each block with the
  /// number of elements now in `block`.
  @inline(__always)
  func forEachBlock(
    in block: UnsafeMutablePointer<Double>, of length: Int, _ body: (Int) -> Void
  ) {
    for start in stride(from: 0, to: elementCount, by: length) {
      let count = min(length, elementCount - start)
      load(into: block, from: start, count: count)
      body(count)
    }
  }

  /// Calls `body` with each element in row-major order.
  func forEachElement(_ body: (Double) -> Void) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 512) { buffer in
      guard let block = buffer.baseAddress else { return }
      forEachBlock(in: block, of: buffer.count) { count in
        for index in 0..<count { body(block[index]) }
      }
    }
  }

  /// Converts `count` elements from `start` on to Double, exactly.
  func load(
    into block: UnsafeMutablePointer<Double>, from start: Int, count: Int
  ) {
    guard let base = bytes.baseAddress?.advanced(by: start * dtype.byteWidth) else { return }
    dtype.load(count, from: base, into: block)
  }
}

extension DType {
  /// Converts `count` elements of this type from `base` on, which need no alignment, to Double, exactly.
  package func load(
    _ count: Int, from base: UnsafeRawPointer, into block: UnsafeMutablePointer<Double>
  ) {
    switch self {
    case .float16:
      for index in 0..<count {
        block[index] = Self.double(
          half: base.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self))
      }
    case .bfloat16:
      for index in 0..<count {
        let bits = base.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
        block[index] = Double(Float(BFloat16(bitPattern: bits)))
      }
    case .float32:
      for index in 0..<count {
        block[index] = Double(base.loadUnaligned(fromByteOffset: index * 4, as: Float.self))
      }
    case .float64:
      UnsafeMutableRawPointer(block).copyMemory(from: base, byteCount: count * 8)
    }
  }

  /// The number whose binary16 bits are `half`. `Double(Float16)` calls a library function for each
  /// element on processors that lack the instruction; this is a few integer operations.
  @inline(__always)
  private static func double(half: UInt16) -> Double {
    let sign = UInt64(half & 0x8000) << 48
    let magnitude = UInt64(half & 0x7FFF)
    switch magnitude {
    case 0..<0x400:
      let subnormal = Double(magnitude) * 0x1p-24
      return Double(bitPattern: subnormal.bitPattern | sign)
    case 0x7C00...:
      return Double(bitPattern: sign | 0x7FF << 52 | (magnitude & 0x3FF) << 42)
    default:
      return Double(bitPattern: sign | (magnitude << 42) &+ (1008 << 52))
    }
  }
}
