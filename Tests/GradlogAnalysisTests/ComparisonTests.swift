import Gradlog
import Testing

@testable import GradlogAnalysis

/// Which gradient of two runs differs first, and by what that is told.
@Suite struct ComparisonTests {
  private let runs: TwoRuns

  init() throws {
    runs = try TwoRuns()
  }

  /// A bit of everything; `change` is added to the last element of `kernel` in batch 1.
  private func recordEverything(_ file: String, change: Float = 0) throws {
    try runs.record(file, batches: 3) { index, batch in
      let last = Float(index) + (index == 1 ? change : 0)
      batch.add("重み/kernel", [1, -2, -0.0, 0.5, 0x1p-140, last], shape: [2, 3])
      batch.add(
        "odd", [Double.nan, .infinity, -.infinity, 1e308, -Double.leastNonzeroMagnitude], shape: [5]
      )
      batch.add("half", [Float16(0x1p-24), .nan], shape: [2])
      batch.add("scale", [BFloat16(1.5)], shape: [])
      batch.add("empty", [Float](), shape: [0, 4])
      batch.add("table", rows: [Float(1), 2], at: [7], shape: [9, 2])
      batch.addAbsent("frozen")
    }
  }

  @Test func equalRunsAreIdentical() throws {
    try recordEverything("a")
    try recordEverything("b")
    let (summary, rows) = try runs.compare()
    #expect(summary.isIdentical)
    #expect(summary.batches == 3)
    #expect(summary.differingBatches == 0)
    #expect(summary.basis.values == 18)
    #expect(rows.isEmpty)
    let all = try runs.compare { $0.showsAll = true }.rows
    #expect(all.map(\.place.batch) == [0, 1, 2])
    #expect(all.allSatisfy { $0.drift == .none && $0.weights == 6 && $0.worstWeight == nil })
    #expect(try runs.firstPart(rtol: 0) == nil)
  }

  @Test func theFirstDifferenceIsNamedToTheElement() throws {
    try recordEverything("a")
    try recordEverything("b", change: 0x1p-20)
    let (summary, rows) = try runs.compare()
    #expect(!summary.isIdentical)
    #expect(summary.first?.weight == "重み/kernel")
    #expect(summary.first?.place.description == "epoch 0, batch 1, step 1")
    #expect(
      summary.first?.difference == .element(index: [1, 2], a: "1.0", b: "1.000001"))
    #expect(summary.differingBatches == 1)
    #expect(rows.map(\.place.batch) == [1, 2])
    #expect(rows.map(\.differingWeights) == [1, 0])
    #expect(rows[0].drift.largest == 0x1p-20)
  }

  @Test func bitsCountUnlessThereIsATolerance() throws {
    try runs.record([1, -0.0] as [Float], [1, 0.0])
    #expect(try runs.firstPart() == .element(index: [1], a: "-0.0", b: "0.0"))
    #expect(try runs.compare().rows.first?.worstWeight == "w")
    #expect(try runs.compare().rows.first?.drift == Drift(largest: 0, relative: 0, cosine: 1))
    #expect(try runs.firstPart(rtol: 0) == nil)
  }

  @Test func payloadsOfNaNAreBits() throws {
    let (quiet, other) = (Float(bitPattern: 0x7FC0_0000), Float(bitPattern: 0x7FC0_0001))
    try runs.record([1, quiet], [1, other])
    #expect(
      try runs.firstPart()
        == .element(index: [1], a: "nan (0x7fc00000)", b: "nan (0x7fc00001)"))
    #expect(try runs.compare().rows.first?.drift.largest == 0)
    #expect(try runs.firstPart(rtol: 0) == nil)
  }

  @Test func aSignallingNaNEqualsItself() throws {
    let values = [Float(bitPattern: 0x7F80_0001), 1]
    try runs.record(values, values)
    #expect(try runs.compare().summary.isIdentical)
    // The other element makes the blobs differ.
    let others = try TwoRuns()
    try others.record(values, [values[0], 2])
    #expect(try others.firstPart() == .element(index: [1], a: "1.0", b: "2.0"))
  }

  @Test func toleranceIsThatOfNumpy() throws {
    // |a − b| ≤ atol + rtol·|b|, b being the second run: 1e-3 · 1000 lets 999 pass, and not 998.9.
    try runs.record([999, 998.9] as [Double], [1000, 1000])
    #expect(try runs.firstPart(rtol: 1e-3) == .element(index: [1], a: "998.9", b: "1000.0"))
    #expect(try runs.firstPart(rtol: 1e-3, atol: 0.2) == nil)
    let infinite = try TwoRuns()
    try infinite.record([.infinity, 1] as [Float], [.infinity, .infinity] as [Float])
    #expect(
      try infinite.firstPart(rtol: 10, atol: 10) == .element(index: [1], a: "1.0", b: "inf"))
  }

  @Test func otherTypesAreComparedByNumber() throws {
    try runs.record([0.5, 0.25, 0.1] as [Float], against: [0.5, 0.25, 0.1] as [Double])
    let summary = try runs.compare().summary
    #expect(summary.weights == [.dtype("w", a: "float32", b: "float64")])
    #expect(
      summary.first?.difference
        == .element(index: [2], a: "0.10000000149011612", b: "0.1"))
    let close = try runs.compare { $0.tolerance = try Tolerance(relative: 1e-6, absolute: 0) }
    #expect(close.summary.isIdentical)
  }

  @Test func aTypeIsADifferenceUnlessThereIsATolerance() throws {
    try runs.record([0.5, 0.25] as [Float], against: [BFloat16(0.5), BFloat16(0.25)])
    let summary = try runs.compare().summary
    #expect(summary.first == nil)
    #expect(!summary.isIdentical)
    #expect(
      try runs.compare { $0.tolerance = try Tolerance(relative: 0, absolute: 0) }.summary
        .isIdentical)
  }

  @Test func anAbsentGradientDiffersFromOneThatIsThere() throws {
    try runs.record("a") { _, batch in
      batch.add("first", [Float(0)], shape: [1])
      batch.addAbsent("w")
    }
    try runs.record("b") { _, batch in
      batch.add("first", [Float(1)], shape: [1])
      batch.add("w", [Float(5)], shape: [1])
    }
    let (summary, rows) = try runs.compare { $0.weight = "w" }
    #expect(summary.first?.difference == .presence(inFirst: false))
    #expect(rows[0].worstWeight == "w")
    #expect(rows[0].drift == Drift(largest: nil, relative: nil, cosine: nil))
    // A gradient that is never there must not hide how far others are apart.
    let both = try runs.compare().rows[0]
    #expect(both.worstWeight == "first")
    #expect(both.drift == Drift(largest: 1, relative: .infinity, cosine: nil))
    #expect(both.differingWeights == 2)
  }
}
