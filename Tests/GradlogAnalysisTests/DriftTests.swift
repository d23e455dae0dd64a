import Foundation
import Gradlog
import Testing

@testable import GradlogAnalysis

/// How far apart two gradients are, against the plain formulas.
@Suite struct DriftTests {
  /// max|a − b|, ‖a − b‖ ÷ ‖a‖ and the cosine, by the textbook.
  private static func textbook(_ a: [Double], _ b: [Double]) -> Drift {
    func norm(_ numbers: [Double]) -> Double {
      numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    let difference = zip(a, b).map { $0 - $1 }
    let product = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    return Drift(
      largest: difference.map(\.magnitude).max(), relative: norm(difference) / norm(a),
      cosine: product / (norm(a) * norm(b)))
  }

  private func drift<Element: TensorElement>(
    _ a: [Element], _ b: [Element], shape: [Int]? = nil
  ) throws -> Drift {
    let runs = try TwoRuns()
    try runs.record(a, b, shape: shape)
    return try #require(runs.compare { $0.showsAll = true }.rows.first).drift
  }

  private func expect(
    _ found: Drift, _ expected: Drift, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (found, expected) in [
      (found.largest, expected.largest), (found.relative, expected.relative),
      (found.cosine, expected.cosine),
    ] {
      let (found, expected) = (found ?? .nan, expected ?? .nan)
      #expect(
        abs(found - expected) <= 1e-12 * abs(expected), "\(found) is not \(expected)",
        sourceLocation: sourceLocation)
    }
  }

  /// 2,500 elements: two whole blocks and a part of one that is no multiple of a vector.
  @Test func isThatOfTheTextbookInEveryType() throws {
    var generator = SystemRandomNumberGenerator()
    let a = (0..<2500).map { _ in Double.random(in: -1...1, using: &generator) }
    let b = a.map { $0 + Double.random(in: -0.1...0.1, using: &generator) }
    expect(try drift(a, b), Self.textbook(a, b))
    let floats = (a.map { Float($0) }, b.map { Float($0) })
    expect(
      try drift(floats.0, floats.1),
      Self.textbook(floats.0.map { Double($0) }, floats.1.map { Double($0) }))
    let halves = (a.map { Float16($0) }, b.map { Float16($0) })
    expect(
      try drift(halves.0, halves.1),
      Self.textbook(halves.0.map { Double($0) }, halves.1.map { Double($0) }))
    let brains = (a.map { BFloat16($0) }, b.map { BFloat16($0) })
    expect(
      try drift(brains.0, brains.1),
      Self.textbook(brains.0.map { Double(Float($0)) }, brains.1.map { Double(Float($0)) }))
    try expect(
      mixedDrift(floats.0, b), Self.textbook(floats.0.map { Double($0) }, b))
  }

  private func mixedDrift(_ a: [Float], _ b: [Double]) throws -> Drift {
    let runs = try TwoRuns()
    try runs.record(a, against: b)
    return try #require(runs.compare().rows.first).drift
  }

  @Test(arguments: [0x1p-1060, 0x1p-700, 0x1p700, 0x1p1020])
  func neitherOverflowsNorUnderflows(scale: Double) throws {
    let a = [1, 2, -3, 4.0]
    let b = [1, 2.5, -3, 0.0]
    let found = try drift(a.map { $0 * scale }, b.map { $0 * scale })
    let expected = Self.textbook(a, b)
    expect(
      found,
      Drift(
        largest: expected.largest.map { $0 * scale }, relative: expected.relative,
        cosine: expected.cosine))
  }

  @Test func whatIsNotFiniteIsToldAndLeavesNormsAlone() throws {
    // (3, 4) against (3, 4) once more, and one element that is not finite.
    #expect(
      try drift([3, 4, 1] as [Float], [3, 4, .infinity])
        == Drift(largest: .infinity, relative: .infinity, cosine: 1))
    let withNaN = try drift([3, 4, .infinity, 1] as [Float], [3, 4, -.infinity, .nan])
    #expect(withNaN.largest?.isNaN == true)
    #expect(withNaN.relative?.isNaN == true)
    #expect(withNaN.cosine == 1)
    #expect(
      try drift([3, 4, .nan, .infinity, 1] as [Float], [3, 4, .nan, .infinity, 2])
        == Self.textbook([3, 4, 1], [3, 4, 2]))
  }

  @Test func zeroHasNoDirection() throws {
    #expect(
      try drift([0, 0] as [Float], [3, 4])
        == Drift(largest: 4, relative: .infinity, cosine: nil))
    #expect(
      try drift([3, 4] as [Float], [0, 0]) == Drift(largest: 4, relative: 1, cosine: nil))
    #expect(try drift([] as [Float], []) == Drift.none)
    #expect(
      try drift([2] as [Double], [-2], shape: [])
        == Drift(largest: 4, relative: 2, cosine: -1))
  }

  /// Every pair of rows that a gradient of five rows can have.
  @Test func rowsAreComparedAsTheWholeGradientWouldBe() throws {
    for pair in 0..<1024 where pair % 7 == 0 || pair < 64 {
      let (rowsA, rowsB) = (
        (0..<5).filter { pair >> $0 & 1 == 1 }, (0..<5).filter { pair >> ($0 + 5) & 1 == 1 }
      )
      func elements(_ rows: [Int], _ scale: Float) -> [Float] {
        rows.flatMap { [Float($0 + 1), scale, -Float($0)] }
      }
      func whole(_ rows: [Int], _ scale: Float) -> [Float] {
        (0..<5).flatMap { rows.contains($0) ? elements([$0], scale) : [0, 0, 0] }
      }
      let (wholeA, wholeB) = (whole(rowsA, 1), whole(rowsB, 2))
      let runs = try TwoRuns()
      try runs.record("a") { $1.add("w", rows: elements(rowsA, 1), at: rowsA, shape: [5, 3]) }
      try runs.record("b") { _, batch in
        if pair % 2 == 0 {
          batch.add("w", rows: elements(rowsB, 2), at: rowsB, shape: [5, 3])
        } else {
          batch.add("w", wholeB, shape: [5, 3])
        }
      }
      let (summary, rows) = try runs.compare { $0.showsAll = true }
      let first = zip(wholeA, wholeB).enumerated().first { $1.0.bitPattern != $1.1.bitPattern }
      let expected = first.map { index, pair in
        DifferingPart.element(index: [index / 3, index % 3], a: "\(pair.0)", b: "\(pair.1)")
      }
      #expect(summary.first?.difference == expected, "\(rowsA) against \(rowsB)")
      let dense = try drift(wholeA, wholeB, shape: [5, 3])
      #expect(rows.first?.drift == dense, "\(rowsA) against \(rowsB)")
    }
  }
}
