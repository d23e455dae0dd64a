/// Float32 elements in a row, few enough to stay in the first-level cache. They need no alignment.
struct FloatBlock {
  let start: UnsafeRawPointer
  let count: Int

  /// Sums the elements and counts each by its biased exponent, of which there are 256 with four
  /// counters each, in one loop: the sums wait for floating-point units, the counts for memory. The
  /// sums mean nothing when an element is not finite.
  @inline(__always)
  func sums(countingInto counters: UnsafeMutablePointer<Int>) -> BlockSums {
    var lanes = FloatLanes()
    let vectorized = count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let place = start + index &* 4
      lanes.add(place.loadUnaligned(as: SIMD4<Float>.self))
      let low = place.loadUnaligned(as: UInt64.self)
      let high = place.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      counters[Self.bin(low)] &+= 1
      counters[Self.bin(low &>> 32) &+ 1] &+= 1
      counters[Self.bin(high) &+ 2] &+= 1
      counters[Self.bin(high &>> 32) &+ 3] &+= 1
    }
    var sums = lanes.total
    for index in vectorized..<count {
      let value = self[index]
      sums.add(Double(value))
      counters[Self.bin(UInt64(value.bitPattern))] &+= 1
    }
    return sums
  }

  /// The first counter of the element whose bits are the lower half of `bits`.
  @inline(__always)
  private static func bin(_ bits: UInt64) -> Int {
    Int(truncatingIfNeeded: (bits &>> 21) & 0x3FC)
  }

  /// The element at `index`.
  @inline(__always)
  subscript(index: Int) -> Float {
    start.loadUnaligned(fromByteOffset: index &* 4, as: Float.self)
  }

  /// Elements equal to zero.
  var zeroCount: Int {
    var zeros = SIMD4<Int32>.zero
    let vectorized = count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let values = (start + index &* 4).loadUnaligned(as: SIMD4<Float>.self)
      zeros.replace(with: zeros &+ 1, where: values .== 0)
    }
    var total = Int(zeros.wrappedSum())
    for index in vectorized..<count where self[index] == 0 { total += 1 }
    return total
  }

  /// Σ(g − mean)².
  func squaredDeviations(from mean: Double) -> Double {
    var sums = SIMD4<Double>.zero
    let vectorized = count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let values = (start + index &* 4).loadUnaligned(as: SIMD4<Float>.self)
      let deviations = SIMD4<Double>(values) - mean
      sums += deviations * deviations
    }
    var sum = sums.sum()
    for index in vectorized..<count {
      let deviation = Double(self[index]) - mean
      sum += deviation * deviation
    }
    return sum
  }
}

/// The sums of every fourth element, for each of the first four.
private struct FloatLanes {
  private var sums = SIMD4<Double>.zero
  private var absolutes = SIMD4<Double>.zero
  private var squares = SIMD4<Double>.zero
  private var smallest = SIMD4(repeating: Float.infinity)
  private var largest = SIMD4(repeating: -Float.infinity)

  @inline(__always)
  mutating func add(_ values: SIMD4<Float>) {
    let wide = SIMD4<Double>(values)
    let bits = unsafeBitCast(wide, to: SIMD4<UInt64>.self) & 0x7FFF_FFFF_FFFF_FFFF
    sums += wide
    absolutes += unsafeBitCast(bits, to: SIMD4<Double>.self)
    squares += wide * wide
    smallest.replace(with: values, where: values .< smallest)
    largest.replace(with: values, where: values .> largest)
  }

  var total: BlockSums {
    BlockSums(
      sum: sums.sum(), sumAbs: absolutes.sum(), sumSquares: squares.sum(),
      min: Double(smallest.min()), max: Double(largest.max()))
  }
}
