import Testing

@testable import Gradlog

/// A tensor of each element type with the same hostile values where the type can hold them.
enum HostileTensors {
  static let edges: [Double] = [
    0, -0.0, 1, -1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNormalMagnitude,
    .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 0x1p-24, 0x1p-25, 0x1p-26, 0x1p-133,
    0x1p-134, 0x1p-135, 0x1p-149, 0x1p-9, 0x1p-10, 0x1p-11, 0x1p-16, 0x1p-17, 0x1p-18, 65504,
  ]

  /// Named value lists: each must hold for every element type.
  static let lists: [(name: String, values: [Double])] = {
    var random = SplitMix64(seed: 42)
    var lists: [(String, [Double])] = [
      ("empty", []), ("one", [0.25]), ("zero", [0]), ("negative zero", [-0.0]), ("nan", [.nan]),
      ("all nan", Array(repeating: .nan, count: 700)), ("infinities", [.infinity, -.infinity]),
      ("edges", edges), ("subnormals", [0x1p-1074, 0x1p-1073, 0x1.8p-1030, -0x1p-1025, 0]),
      ("huge", Array(repeating: 1e300, count: 9) + [-1e300]),
      ("huge sum", [1.7e308, 1.7e308, -1.7e308, -1.7e308]),
      ("tiny", [1e-200, -3e-200, 2e-201]),
      ("far from zero", (0..<3000).map { 1e6 + Double($0 % 7) }),
      ("equal", Array(repeating: 0.1, count: 2000)),
      ("outlier first", [1e30] + Array(repeating: 1e-3, count: 4000)),
    ]
    for count in [2, 3, 4, 5, 7, 8, 31, 511, 512, 513, 1023, 1024, 1025, 5000] {
      let values = (0..<count).map { _ in random.normal() * 0x1p-12 }
      lists.append(("normal \(count)", values))
      lists.append(("edges among \(count)", values + edges + values))
    }
    // Subnormal as Floats: one among normal numbers, many among them and zeros, nothing else.
    let normal = (0..<2048).map { _ in random.normal() }
    let subnormal = (0..<1030).map { _ in
      Double(sign: .plus, exponent: Int.random(in: -149...(-127), using: &random), significand: 1)
        * Double(Int.random(in: -1...1, using: &random))
    }
    lists.append(("one subnormal Float", normal + [0x1.8p-140] + normal))
    lists.append(("subnormal Floats", subnormal))
    lists.append(("subnormal Floats among others", zip(normal, subnormal).flatMap { [$0, $1] }))
    // Blocks of which each holds one kind of element.
    let kinds = [0x1p-130, .nan, -0.0, 0x1p-126, -.infinity, 0, 0x1p-149, 1.5]
    lists.append(("kinds in turn", kinds.flatMap { Array(repeating: $0, count: 1024) } + [2]))
    lists.append(("wide", (0..<4000).map { _ in random.normal() * random.power(60) }))
    return lists
  }()
}

extension SplitMix64 {
  /// Roughly normal: a sum of uniforms.
  mutating func normal() -> Double {
    (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
  }

  /// 2^e with e uniform in ±limit.
  mutating func power(_ limit: Int) -> Double {
    Double(sign: .plus, exponent: Int.random(in: -limit...limit, using: &self), significand: 1)
  }
}

@Suite struct StatisticsTests {
  @Test(arguments: HostileTensors.lists.map(\.name))
  func agreesWithTheOracleInEveryType(name: String) throws {
    let values = try #require(HostileTensors.lists.first { $0.name == name }).values
    try check(values)
    try check(values.map { Float($0) }, { Double($0) })
    try check(values.map { Float16($0) }, { Double($0) })
    try check(values.map { BFloat16(Float($0)) }, { Double(Float($0)) })
  }

  private func check(_ values: [Double]) throws { try check(values) { $0 } }

  private func check<Element: TensorElement>(
    _ values: [Element], _ double: (Element) -> Double
  ) throws {
    var pass = StatisticsPass()
    let (statistics, histogram) = try values.withUnsafeBytes { bytes in
      let view = try TensorView(dtype: Element.dtype, shape: [values.count], bytes: bytes)
      // Twice, since the buffers are used again: the second result must not see the first.
      _ = pass.run(over: view)
      return (pass.run(over: view), try ExponentHistogram(blob: pass.exponentsBlob))
    }
    let oracle = StatisticsOracle(values.map(double))
    checkCounts(statistics, oracle, elements: values.count)
    checkMoments(statistics, oracle)
    checkQuantiles(statistics, oracle)
    checkHistogram(histogram, statistics, oracle)
  }

  private func checkCounts(
    _ statistics: GradientStatistics, _ oracle: StatisticsOracle, elements: Int
  ) {
    #expect(statistics.elementCount == elements)
    #expect(statistics.zeroCount == oracle.zeroCount)
    #expect(statistics.nanCount == oracle.nanCount)
    #expect(statistics.posinfCount == oracle.posinfCount)
    #expect(statistics.neginfCount == oracle.neginfCount)
    #expect(statistics.finiteCount == oracle.finite.count)
    #expect(statistics.underflow.float16 == oracle.nonZero(below: 0x1p-25))
    #expect(statistics.underflow.bfloat16 == oracle.nonZero(below: 0x1p-134))
    #expect(statistics.underflow.float8E4M3 == oracle.nonZero(below: 0x1p-10))
    #expect(statistics.underflow.float8E5M2 == oracle.nonZero(below: 0x1p-17))
  }

  private func checkMoments(_ statistics: GradientStatistics, _ oracle: StatisticsOracle) {
    #expect(statistics.min == oracle.finite.min())
    #expect(statistics.max == oracle.finite.max())
    #expect(statistics.maxAbs == oracle.magnitudes.last)
    #expect(!statistics.sum.isNaN)
    if oracle.sumAbs.isFinite {
      // Rounding errors of a sum are relative to the sum of magnitudes.
      #expect((statistics.sum - oracle.sum).magnitude <= oracle.sumAbs * 1e-13)
    }
    #expect(close(statistics.sumAbs, oracle.sumAbs, 1e-13))
    #expect(close(statistics.norm, oracle.norm, 1e-12))
    #expect(close(statistics.rms, oracle.rms, 1e-12))
    // The deviations are only as exact as the mean, hence the second term.
    let meanError = (statistics.rms ?? 0) * 1e-13
    #expect(close(statistics.std, oracle.std, 1e-8, meanError))
    #expect((statistics.norm == nil) == oracle.finite.isEmpty)
  }

  private func checkQuantiles(_ statistics: GradientStatistics, _ oracle: StatisticsOracle) {
    guard let quantiles = statistics.quantiles else {
      #expect(oracle.finite.isEmpty)
      return
    }
    let all = [
      (1, quantiles.p1), (5, quantiles.p5), (25, quantiles.p25), (50, quantiles.median),
      (75, quantiles.p75), (95, quantiles.p95), (99, quantiles.p99),
    ]
    for (percent, value) in all {
      let exact = oracle.quantile(percent)
      if exact == 0 {
        #expect(value == 0)
      } else {
        #expect(value.exponent == exact.exponent, "p\(percent): \(value), exactly \(exact)")
        #expect(value <= oracle.magnitudes.last ?? 0)
      }
    }
  }

  private func checkHistogram(
    _ histogram: ExponentHistogram, _ statistics: GradientStatistics, _ oracle: StatisticsOracle
  ) {
    for (offset, count) in histogram.counts.enumerated() {
      #expect(count == oracle.count(exponent: histogram.lowestExponent + offset))
    }
    #expect(histogram.counts.reduce(0, +) == statistics.finiteCount - statistics.zeroCount)
    #expect(histogram.counts.first != 0 && histogram.counts.last != 0)
  }

  private func close(
    _ value: Double?, _ expected: Double?, _ relative: Double, _ absolute: Double = 0
  ) -> Bool {
    guard let value, let expected else { return value == nil && expected == nil }
    // Twice the smallest subnormal: below it nothing can be closer.
    return value == expected
      || (value - expected).magnitude <= expected.magnitude * relative + absolute + 0x1p-1073
  }

  @Test func manyElements() throws {
    var random = SplitMix64(seed: 7)
    try check((0..<(1 << 16) + 3).map { _ in Float(random.normal()) }) { Double($0) }
  }

  @Test func everyHalfPatternConvertsExactly() throws {
    let halves = (UInt16.min...UInt16.max).map { Float16(bitPattern: $0) }
    try check(halves) { Double($0) }
    try checkConversions(halves.filter(\.isFinite)) { Double($0) }
  }

  @Test func everyBFloat16PatternConvertsExactly() throws {
    let patterns = (UInt16.min...UInt16.max).map { BFloat16(bitPattern: $0) }
    try check(patterns) { Double(Float($0)) }
    try checkConversions(patterns.filter { Float($0).isFinite }) { Double(Float($0)) }
  }

  private func checkConversions<Element: TensorElement>(
    _ elements: [Element], _ double: (Element) -> Double
  ) throws {
    var pass = StatisticsPass()
    for element in elements {
      // Seven: four are converted together, three one by one.
      let found = try Array(repeating: element, count: 7).withUnsafeBytes {
        pass.run(over: try TensorView(dtype: Element.dtype, shape: [7], bytes: $0))
      }
      let value = double(element)
      if found.sum != value * 7 || found.min != value || found.max != value {
        Issue.record("seven times \(element) gave \(found)")
      }
    }
  }

  @Test func everyNaNIsOne() throws {
    let patterns: [UInt32] = [0x7F80_0001, 0x7FBF_FFFF, 0x7FC0_0000, 0x7FFF_FFFF, 0xFF80_0001]
    let nans = patterns.map { Float(bitPattern: $0) }
    for nan in nans { try check([1, nan, -2, 3, 4, 0, nan], { Double($0) }) }
    try check(nans, { Double($0) })
    try check(nans + [.infinity, -.infinity, -0.0, .leastNonzeroMagnitude], { Double($0) })
  }

  /// A pass counts Floats in bins that another type has other uses for.
  @Test func aPassTakesTypesInTurn() throws {
    var pass = StatisticsPass()
    func check<Element: TensorElement>(_ values: [Element]) throws {
      let expected = try statistics(of: values)
      let found = try values.withUnsafeBytes {
        pass.run(over: try TensorView(dtype: Element.dtype, shape: [values.count], bytes: $0))
      }
      #expect(found == expected)
      #expect(try ExponentHistogram(blob: pass.exponentsBlob).counts.reduce(0, +) == 5)
    }
    let doubles = [0x1p128, 0x1p-127, -0x1p-149, 0x1p-150, 0x1p-1074, 0, .nan]
    let floats: [Float] = [0x1p-149, -0x1p-127, 0x1p-126, 0x1p127, 1, -0.0, .infinity]
    let halves: [Float16] = [0x1p-24, -0x1p-15, 0x1p-14, 0x1p15, 1, -0.0, .infinity]
    for _ in 0..<2 {
      try check(floats)
      try check(doubles)
      try check(floats.map { BFloat16($0 == 0x1p-149 ? 0x1p-133 : $0) })
      try check(halves)
    }
  }

  private func statistics(of values: [some TensorElement]) throws -> GradientStatistics {
    try statistics(of: values, shiftedBy: 0)
  }

  private func statistics<Element: TensorElement>(
    of values: [Element], shiftedBy shift: Int
  ) throws -> GradientStatistics {
    let bytes = [UInt8](repeating: 0xFF, count: shift) + values.withUnsafeBytes { Array($0) }
    return try bytes.withUnsafeBytes {
      GradientStatistics(
        of: try TensorView(
          dtype: Element.dtype, shape: [values.count],
          bytes: UnsafeRawBufferPointer(rebasing: $0[shift...])))
    }
  }

  @Test(arguments: [1, 2, 3, 5, 7, 13])
  func readsUnalignedBytes(shift: Int) throws {
    let values = (0..<1029).map { Double($0) - 500 } + [.nan, 0]
    func check(_ values: [some TensorElement]) throws {
      let shifted = try statistics(of: values, shiftedBy: shift)
      #expect(try shifted == statistics(of: values))
      #expect(shifted.nanCount == 1 && shifted.zeroCount == 2)
    }
    try check(values)
    try check(values.map { Float($0) })
    try check(values.map { Float16($0) })
    try check(values.map { BFloat16(Float($0)) })
    #expect(
      try statistics(of: values.map { Float($0) }, shiftedBy: shift).sumAbs == 125_250 + 139_656)
  }
}

@Suite struct ExponentHistogramTests {
  @Test(arguments: [
    [0x80], [0x01], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x00, 0x01],
    [0xCC, 0x10, 0x01, 0x01],
  ])
  func refusesBytesThatAreNone(bytes: [UInt8]) {
    #expect(throws: GradlogError.self) { try ExponentHistogram(blob: bytes) }
  }

  @Test func readsTheDocumentedEncoding() throws {
    // 1100 - 3 = 1097 = 0x449: exponents -3, -2 and -1 with 1, 300 and 2 elements.
    let histogram = try ExponentHistogram(blob: [0xC9, 0x08, 0x01, 0xAC, 0x02, 0x02])
    #expect(histogram.lowestExponent == -3)
    #expect(histogram.counts == [1, 300, 2])
  }
}
