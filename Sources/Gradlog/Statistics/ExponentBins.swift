/// Counts elements by binary exponent, and turns the counts into quantiles, underflow counts and the
/// encoded histogram.
struct ExponentBins: ~Copyable {
  private let counters = ExponentCounters()
  private var encoder = ExponentEncoder()

  deinit {
    counters.deallocate()
  }

  /// The encoded histogram of the last gradient, valid until the next ``finish(_:)``.
  var blob: UnsafeRawBufferPointer { encoder.blob }

  /// Whether an element counted since the last ``finish(_:)`` was not finite.
  var sawNonFinite: Bool { counters.nonFiniteCount > 0 }

  /// Counts the first `count` elements of `block`.
  func add(_ block: UnsafeMutablePointer<Double>, _ count: Int) {
    counters.add(block, count)
    if counters.zeroOrSubnormalCount > 0 {
      counters.addSubnormals(block, count)
    }
  }

  /// Counts the elements of `block`, and sums them; nil when one of them is not finite.
  @inline(__always)
  func add(_ block: FloatBlock) -> BlockSums? {
    counters.add(block)
  }

  /// Counts so many zeros.
  func add(zeros zeroCount: Int) {
    counters.add(zeros: zeroCount)
  }

  /// Fills in the zero count, quantiles and underflow counts of `statistics`, whose other counts and
  /// extrema must be there, encodes the histogram, and clears the bins for the next gradient.
  mutating func finish(_ statistics: inout GradientStatistics) {
    encoder.reset()
    statistics.zeroCount = counters.zeroCount
    let nonZeroCount = statistics.finiteCount - statistics.zeroCount
    if let maxAbs = statistics.maxAbs, nonZeroCount > 0 {
      let exponents = counters.occupied(highest: Int(maxAbs.exponent), elements: nonZeroCount)
      encode(exponents)
      statistics.underflow = underflowCounts(exponents)
      statistics.quantiles = AbsoluteQuantiles(counters, exponents, statistics, maxAbs)
      counters.clear(exponents)
    } else if statistics.finiteCount > 0 {
      statistics.quantiles = AbsoluteQuantiles()
    }
    counters.clearSpecial()
  }

  private mutating func encode(_ exponents: ClosedRange<Int>) {
    encoder.append(exponents.lowerBound + ExponentHistogram.exponentBias)
    for exponent in exponents { encoder.append(counters[exponent]) }
  }

  private func underflowCounts(_ exponents: ClosedRange<Int>) -> UnderflowCounts {
    func below(_ bound: Int) -> Int {
      var sum = 0
      var exponent = exponents.lowerBound
      while exponent < bound, exponent <= exponents.upperBound {
        sum += counters[exponent]
        exponent += 1
      }
      return sum
    }
    return UnderflowCounts(
      float16: below(-25), bfloat16: below(-134), float8E4M3: below(-10), float8E5M2: below(-17))
  }
}

/// The counters of ``ExponentBins``, which owns their memory.
///
/// A bin has four counters, used in turn: neighbouring elements of a gradient tend to share a bin,
/// and one counter would make each increment wait for the one before it.
struct ExponentCounters {
  private static let lanes = 4
  private static let biasedExponents = 2048
  private static let nonFiniteBin = 2047
  private static let subnormalExponents = 52
  /// A Float with biased exponent e is counted in the bin e + 896, which is that of its Double unless e
  /// is 0, of zeros and subnormals, or 255, of what is not finite.
  private static let firstFloatBin = 896
  private static let lastFloatBin = firstFloatBin + 255
  private static let binOfSmallestFloat = 1023 - 149

  /// Four counters for each biased exponent of a Double. Bin 0 holds zeros and subnormals, the last
  /// one what is not finite.
  private let normal: UnsafeMutablePointer<Int>
  /// Counters of the exponents −1074 to −1023, then of all of these together.
  private let subnormal: UnsafeMutablePointer<Int>

  init() {
    normal = .allocate(capacity: Self.biasedExponents * Self.lanes)
    normal.initialize(repeating: 0, count: Self.biasedExponents * Self.lanes)
    subnormal = .allocate(capacity: Self.subnormalExponents + 1)
    subnormal.initialize(repeating: 0, count: Self.subnormalExponents + 1)
  }

  func deallocate() {
    normal.deallocate()
    subnormal.deallocate()
  }

  var nonFiniteCount: Int { total(bin: Self.nonFiniteBin) }
  var zeroOrSubnormalCount: Int { total(bin: 0) }
  var zeroCount: Int { zeroOrSubnormalCount - subnormal[Self.subnormalExponents] }

  /// Elements with this exponent, −1074 to 1023.
  subscript(exponent: Int) -> Int {
    exponent < -1022 ? subnormal[exponent + 1074] : total(bin: exponent + 1023)
  }

  private func total(bin: Int) -> Int {
    let lanes = normal + bin * Self.lanes
    return lanes[0] + lanes[1] + lanes[2] + lanes[3]
  }

  func add(_ block: UnsafeMutablePointer<Double>, _ count: Int) {
    let unrolled = count & ~(Self.lanes - 1)
    for index in stride(from: 0, to: unrolled, by: Self.lanes) {
      increment(block[index], 0)
      increment(block[index &+ 1], 1)
      increment(block[index &+ 2], 2)
      increment(block[index &+ 3], 3)
    }
    for index in unrolled..<count { increment(block[index], 0) }
  }

  @inline(__always)
  private func increment(_ value: Double, _ lane: Int) {
    let biased = Int(truncatingIfNeeded: (value.bitPattern &>> 52) & 0x7FF)
    normal[biased &* Self.lanes &+ lane] &+= 1
  }

  /// Counts the elements of `block`, and sums them; nil when one of them is not finite.
  @inline(__always)
  func add(_ block: FloatBlock) -> BlockSums? {
    let before = total(bin: Self.firstFloatBin)
    let sums = block.sums(countingInto: normal + Self.firstFloatBin * Self.lanes)
    let tiny = total(bin: Self.firstFloatBin) - before
    if tiny > 0 { recount(tiny, in: block) }
    guard total(bin: Self.lastFloatBin) == 0 else {
      clear(bin: Self.lastFloatBin)
      return nil
    }
    return sums
  }

  /// Counts again the zeros and subnormals of `block`, which are in the first bin of a Float.
  private func recount(_ tiny: Int, in block: FloatBlock) {
    // One counter may be negative: only the total of a bin matters.
    normal[Self.firstFloatBin * Self.lanes] -= tiny
    let zeros = block.zeroCount
    add(zeros: zeros)
    guard zeros < tiny else { return }
    // Without branches. What is not subnormal is taken for 0, and its bin, below that of the smallest
    // Float, is cleared.
    for index in 0..<block.count {
      let magnitude = block[index].bitPattern & 0x7FFF_FFFF
      let significand = magnitude < 0x80_0000 ? magnitude : 0
      let bin = Self.binOfSmallestFloat + 31 - significand.leadingZeroBitCount
      normal[bin &* Self.lanes &+ index & 3] &+= 1
    }
    clear(bin: Self.binOfSmallestFloat - 1)
  }

  func add(zeros zeroCount: Int) {
    normal[0] += zeroCount
  }

  func addSubnormals(_ block: UnsafeMutablePointer<Double>, _ count: Int) {
    for index in 0..<count where block[index].isSubnormal {
      subnormal[63 - block[index].significandBitPattern.leadingZeroBitCount] += 1
      subnormal[Self.subnormalExponents] += 1
    }
  }

  /// From the lowest non-empty bin to the highest. The highest is known, so going down until every
  /// element is found reads only bins between the two.
  func occupied(highest: Int, elements: Int) -> ClosedRange<Int> {
    var lowest = highest
    var found = self[highest]
    while found < elements {
      lowest -= 1
      found += self[lowest]
    }
    return lowest...highest
  }

  func clear(_ exponents: ClosedRange<Int>) {
    for exponent in exponents {
      if exponent < -1022 {
        subnormal[exponent + 1074] = 0
      } else {
        clear(bin: exponent + 1023)
      }
    }
  }

  /// Clears what is not the bin of an exponent: zeros, non-finite elements, the subnormals' total.
  func clearSpecial() {
    clear(bin: 0)
    clear(bin: Self.nonFiniteBin)
    subnormal[Self.subnormalExponents] = 0
  }

  private func clear(bin: Int) {
    (normal + bin * Self.lanes).update(repeating: 0, count: Self.lanes)
  }
}
