import Gradlog
import Testing

@testable import GradlogAnalysis

/// Comparison by statistics: where values are missing or rounded, and what it proves.
@Suite struct StatisticsComparedTests {
  private let runs: TwoRuns

  init() throws {
    runs = try TwoRuns()
  }

  @Test func missingValuesLeaveStatistics() throws {
    try runs.record(
      [3, 4] as [Float], [3, 4.5], options: (.init(), TwoRuns.keeping(.none)))
    let (summary, rows) = try runs.compare()
    var basis = ComparisonBasis()
    basis.statistics = 1
    #expect(summary.basis == basis)
    let norm = (9 + 4.5 * 4.5).squareRoot()
    #expect(summary.first?.difference == .statistic(name: "norm", a: "5.0", b: "\(norm)"))
    // What the elements differ by at least: 0.5 as the largest does, and the difference of the norms.
    #expect(rows[0].drift == Drift(largest: 0.5, relative: (norm - 5) / 5, cosine: nil))
    #expect(rows[0].basis.name == "statistics")
  }

  @Test func numbersThatAreNotFiniteAreFirst() throws {
    let lean = try TwoRuns.keeping(.none)
    try runs.record([3, 4] as [Float], [.nan, 4] as [Float], options: (lean, lean))
    #expect(try runs.firstPart() == .statistic(name: "nan_count", a: "0", b: "1"))
    #expect(try runs.firstPart(rtol: 10, atol: 10) == .statistic(name: "nan_count", a: "0", b: "1"))
    #expect(try runs.compare().rows[0].drift.relative?.isNaN == true)
    let infinite = try TwoRuns()
    try infinite.record(
      [3, .infinity] as [Float], [3, -.infinity] as [Float], options: (lean, lean))
    #expect(try infinite.firstPart() == .statistic(name: "posinf_count", a: "1", b: "0"))
    #expect(try infinite.compare().rows[0].drift.largest == .infinity)
  }

  @Test func onePrecisionAgainstAnotherLeavesStatistics() throws {
    let brain = try TwoRuns.keeping(as: .bfloat16)
    try runs.record([1, 0.1] as [Float], [1, 0.1], options: (.init(), brain))
    let equal = try runs.compare().summary
    #expect(equal.isIdentical)
    #expect(equal.basis.statisticsForRounding == 1)
    let rounded = try TwoRuns()
    try rounded.record(
      [1, 0.1] as [Float], [1, 0.1], options: (TwoRuns.keeping(as: .float16), brain))
    #expect(try rounded.compare().summary.basis.statisticsForRounding == 1)
  }

  /// 0.1 and its neighbour are one number in bfloat16; their sums are not.
  @Test func whatRoundingHidesShowsInTheStatistics() throws {
    let brain = try TwoRuns.keeping(as: .bfloat16)
    try runs.record([1, 0.1] as [Float], [1, Float(0.1).nextUp], options: (brain, brain))
    let (summary, rows) = try runs.compare()
    #expect(summary.basis.roundedValues == 1)
    guard case .statistic("norm", _, _) = summary.first?.difference else {
      Issue.record("\(String(describing: summary.first))")
      return
    }
    #expect(rows[0].drift == .none)
    #expect(rows[0].basis.name == "values and statistics")
    let apart = try TwoRuns()
    try apart.record([1, 0.125] as [Float], [1, 0.25], options: (brain, brain))
    #expect(try apart.firstPart() == .element(index: [1], a: "0.125", b: "0.25"))
  }

  /// Two numbers around the middle between two neighbours in bfloat16.
  @Test func roundingIsNoDifferenceWithinATolerance() throws {
    let brain = try TwoRuns.keeping(as: .bfloat16)
    try runs.record(
      [1 + 0x1p-8 - 0x1p-20, 2] as [Float], [1 + 0x1p-8 + 0x1p-20, 2], options: (brain, brain))
    #expect(try runs.firstPart() == .element(index: [0], a: "1.0", b: "1.0078125"))
    #expect(try runs.firstPart(rtol: 1e-4) == nil)
    #expect(try runs.firstPart(rtol: 1e-9) != nil)
  }

  /// Elements within the tolerance never make statistics that are called different.
  @Test func whatElementsWithinATolerancePermitIsNotCalledDifferent() throws {
    var generator = SystemRandomNumberGenerator()
    let lean = try TwoRuns.keeping(.none)
    for (rtol, atol) in [(0.1, 0.0), (0, 0.05), (1e-3, 1e-3), (1.5, 0)] {
      for count in [1, 2, 3, 50] {
        let b = (0..<count).map { _ in Double.random(in: -1...1, using: &generator) }
        // To the very edge, where sums differ most.
        let a = b.map { value in
          let slack = (atol + rtol * value.magnitude) * (1 - 1e-9)
          return value + [slack, -slack, 0, slack].randomElement(using: &generator)!
        }
        let runs = try TwoRuns()
        try runs.record(a, b, options: (lean, lean))
        #expect(try runs.firstPart(rtol: rtol, atol: atol) == nil, "\(a) against \(b)")
      }
    }
  }

  @Test func whatNoElementsWithinTheToleranceMakeIsDifferent() throws {
    let lean = try TwoRuns.keeping(.none)
    try runs.record([1, 2] as [Double], [1, 3], options: (lean, lean))
    #expect(
      try runs.firstPart(rtol: 0.2)
        == .statistic(name: "norm", a: "\(5.0.squareRoot())", b: "\(10.0.squareRoot())"))
    #expect(try runs.firstPart(rtol: 0.5) == nil)
    #expect(try runs.firstPart(rtol: 0, atol: 1) == nil)
  }
}
