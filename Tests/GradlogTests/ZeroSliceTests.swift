import Testing

@testable import Gradlog

/// Zero rows and zero columns against a count that looks at every element.
@Suite struct ZeroSliceTests {
  static let shapes = [
    [], [0], [1], [9], [1, 1], [1, 5], [5, 1], [3, 0], [0, 3], [4, 6], [17, 33], [64, 3], [3, 64],
    [3, 4, 5], [5, 1, 3], [2, 3, 2, 2], [8, 2, 3, 3], [40, 41],
  ]

  @Test(arguments: shapes) func agreesWithLookingAtEveryElement(shape: [Int]) throws {
    var random = SplitMix64(seed: UInt64(shape.reduce(7) { $0 &* 31 &+ $1 }))
    // One pass for all, since its memory is used again.
    var pass = StatisticsPass()
    for _ in 0..<60 {
      let values = Self.values(shape, &random)
      try check(values, shape, &pass) { $0 }
      try check(values.map { Float($0) }, shape, &pass) { Double($0) }
      try check(values.map { Float16($0) }, shape, &pass) { Double($0) }
      try check(values.map { BFloat16(Float($0)) }, shape, &pass) { Double(Float($0)) }
    }
  }

  private func check<Element: TensorElement>(
    _ values: [Element], _ shape: [Int], _ pass: inout StatisticsPass,
    _ double: (Element) -> Double
  ) throws {
    // From an odd address: nothing may rely on alignment.
    let bytes = [0] + values.withUnsafeBytes { Array($0) }
    let found = try bytes.withUnsafeBytes { bytes in
      pass.run(
        over: try TensorView(
          dtype: Element.dtype, shape: shape, bytes: UnsafeRawBufferPointer(rebasing: bytes[1...])))
    }
    let expected = Self.zeroSlices(values.map(double), shape)
    #expect(found.zeroRows == expected?.rows, "\(shape) \(values)")
    #expect(found.zeroColumns == expected?.columns, "\(shape) \(values)")
  }

  @Test(arguments: shapes.filter { !$0.isEmpty })
  func rowsThatAreLeftOutAreZero(shape: [Int]) {
    var random = SplitMix64(seed: 11)
    var pass = StatisticsPass()
    let width = shape.dropFirst().reduce(1, *)
    for _ in 0..<60 {
      var whole = Self.values(shape, &random)
      let kept = (0..<shape[0]).filter { _ in Bool.random(using: &random) }
      for row in 0..<shape[0] where !kept.contains(row) {
        for index in row * width..<(row + 1) * width { whole[index] = 0 }
      }
      let rows = kept.flatMap { whole[$0 * width..<($0 + 1) * width] }
      let bytes =
        kept.map(Int64.init).withUnsafeBytes { Array($0) } + rows.withUnsafeBytes { Array($0) }
      let found = bytes.withUnsafeBytes { bytes in
        pass.run(
          over: .rows(
            StoredRows(
              checked: (.float64, shape, whole.count), count: kept.count, at: bytes.baseAddress)))
      }
      let expected = Self.zeroSlices(whole, shape)
      #expect(found.zeroRows == expected?.rows, "\(shape) \(kept) \(whole)")
      #expect(found.zeroColumns == expected?.columns, "\(shape) \(kept) \(whole)")
    }
  }

  /// Elements that are hostile here and there, with rows and columns of zeros in some.
  private static func values(_ shape: [Int], _ random: inout SplitMix64) -> [Double] {
    let count = shape.reduce(1, *)
    let shares: [Double] = [0, 0, 0.3, 0.9, 1]
    let share = shares.randomElement(using: &random) ?? 0
    let others: [Double] = [1, -2, .nan, .infinity, 0x1p-20, -3]
    func zero() -> Double { Bool.random(using: &random) ? 0 : -0.0 }
    var values = (0..<count).map { _ in
      Double.random(in: 0..<1, using: &random) < share
        ? zero() : others.randomElement(using: &random) ?? 1
    }
    guard let rows = shape.first, let columns = shape.last, count > 0 else { return values }
    let deadRows = (0..<rows).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
    let deadColumns = (0..<columns).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
    for index in 0..<count
    where deadRows.contains(index / (count / rows)) || deadColumns.contains(index % columns) {
      values[index] = zero()
    }
    return values
  }

  private static func zeroSlices(_ values: [Double], _ shape: [Int]) -> (rows: Int, columns: Int)? {
    guard let rows = shape.first, let columns = shape.last else { return nil }
    guard !values.isEmpty else { return (0, 0) }
    return (
      (0..<rows).count { row in
        values.indices.allSatisfy { $0 / (values.count / rows) != row || values[$0] == 0 }
      },
      (0..<columns).count { column in
        values.indices.allSatisfy { $0 % columns != column || values[$0] == 0 }
      }
    )
  }
}
