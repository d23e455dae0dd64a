import GradlogAnalysis
import Testing

/// `queries/vanishing.sql` and `queries/exploding.sql` on recordings small enough to check by hand.
///
/// Columns: run, rank, weight, position, rule, hit batches, recorded batches, first epoch and
/// batch, last epoch and batch, worst value, threshold. Every run has two batches an epoch.
struct VanishingAndExplodingTests {
  private static let weights: [HandMadeFile.Weight] = [
    ("first/kernel", "[1,2]"), ("first/bias", "[2]"), ("last/kernel", "[1,2]"),
  ]

  /// The first kernel's gradient is 2^-30 beside the last one's 4; the bias falls by 2^14 at once.
  private static func fading() throws -> HandMadeFile {
    let file = try HandMadeFile()
    try file.addRun(
      "well", weights: weights, gradients: Array(repeating: [[0, 1], [0, 2], [0, 4]], count: 4))
    try file.addRun(
      "sick", weights: weights,
      gradients: [1024, 0.0625, 0.0625, 0.0625].map { [[0, 0x1p-30], [0, $0], [0, 4]] })
    return file
  }

  private static let fadingRows = [
    "sick|0|first/kernel|0|absolute|4|4|0|0|1|1|9.313225746154785e-10|1e-07",
    "sick|0|first/kernel|0|last layer|4|4|0|0|1|1|2.3283064365386963e-10|0.001",
    "sick|0|first/bias|1|history|3|4|0|1|1|1|6.103515625e-05|0.001",
  ]

  @Test func eachRuleFindsAVanishingGradient() throws {
    let file = try Self.fading()
    #expect(try file.answer("vanishing") == Self.fadingRows)
  }

  @Test func filtersNarrowTheVanishing() throws {
    let file = try Self.fading()
    #expect(try file.answer("vanishing", ["run": "well"]) == [])
    #expect(try file.answer("vanishing", ["run": "sick", "limit": 1]) == [Self.fadingRows[0]])
    #expect(try file.answer("vanishing", ["weight": "*bias"]) == [Self.fadingRows[2]])
    // Two batches are no streak of three, unless two are enough.
    #expect(try file.answer("vanishing", ["epoch_from": 1]) == [])
    #expect(
      try file.answer("vanishing", ["epoch_to": 0, "consecutive": 2]) == [
        "sick|0|first/kernel|0|absolute|2|2|0|0|0|1|9.313225746154785e-10|1e-07",
        "sick|0|first/kernel|0|last layer|2|2|0|0|0|1|2.3283064365386963e-10|0.001",
      ])
  }

  @Test func convergenceIsNotVanishing() throws {
    let file = try HandMadeFile()
    try file.addRun(
      "done", weights: Self.weights,
      gradients: [1, 1e-3, 1e-9, 1e-9, 1e-9, 1e-9].map { [[0, $0], [0, $0], [0, $0]] })
    #expect(try file.answer("vanishing") == [])
  }

  @Test func batchesWithoutAFiniteGradientInterruptNothing() throws {
    let file = try HandMadeFile()
    let small: [[Double]?] = [[0, 0x1p-30], [0, 1], [0, 4]]
    try file.addRun(
      "gaps", weights: Self.weights,
      gradients: [small, [[0, .nan], [0, 1], [0, 4]], small, [nil, [0, 1], [0, 4]], small])
    #expect(
      try file.answer("vanishing") == [
        "gaps|0|first/kernel|0|absolute|3|3|0|0|2|0|9.313225746154785e-10|1e-07",
        "gaps|0|first/kernel|0|last layer|3|3|0|0|2|0|2.3283064365386963e-10|0.001",
      ])
  }

  /// The kernel grows 2,000 times a batch and is infinite at last; the bias never moves.
  private static func growing() throws -> HandMadeFile {
    let file = try HandMadeFile()
    let weights: [HandMadeFile.Weight] = [("kernel", "[1,2]"), ("bias", "[1]")]
    try file.addRun(
      "well", weights: weights, gradients: Array(repeating: [[0, 1], [1]], count: 4))
    try file.addRun(
      "sick", weights: weights,
      gradients: [1, 2000, 4e6, .infinity].map { [[0, $0], [1]] }, losses: [1, 2, 3, .nan])
    return file
  }

  private static let growingRows = [
    "sick|0|kernel|0|history|2|4|0|1|1|0|4000000.0|10.0",
    "sick|0|kernel|0|nonfinite|1|4|1|1|1|1|1.0|0.0",
  ]

  @Test func explosionIsFoundFromItsFirstBatchOn() throws {
    let file = try Self.growing()
    #expect(try file.answer("exploding") == Self.growingRows)
  }

  @Test func filtersAndThresholdsNarrowTheExploding() throws {
    let file = try Self.growing()
    #expect(try file.answer("exploding", ["run": "well"]) == [])
    #expect(try file.answer("exploding", ["weight": "bias"]) == [])
    #expect(try file.answer("exploding", ["limit": 1]) == [Self.growingRows[0]])
    #expect(
      try file.answer("exploding", ["epoch_to": 0, "threshold": 1000]) == [
        "sick|0|kernel|0|absolute|1|2|0|1|0|1|2000.0|1000.0"
      ])
  }

  @Test func lateRiseIsAnExplosionOnlyWhenTheLossRisesToo() throws {
    let gradients: [[[Double]?]] = (0..<14).map { [[0, $0 < 10 ? 0.5 : 64]] }
    let file = try HandMadeFile()
    try file.addRun(
      "learns", weights: [("kernel", "[1,2]")], gradients: gradients,
      losses: (0..<14).map { 2 - Double($0) / 16 })
    try file.addRun(
      "diverges", weights: [("kernel", "[1,2]")], gradients: gradients,
      losses: (0..<14).map { $0 < 10 ? 2 : 4 })
    #expect(try file.answer("exploding") == ["diverges|0|kernel|0|history|4|14|5|0|6|1|128.0|10.0"])
  }

  @Test func differencesBetweenSingleRowsAreNoExplosion() throws {
    let file = try HandMadeFile()
    try file.addRun(
      "article", weights: [("kernel", "[2,1]")],
      gradients: [10, 160, 40, 84, 9, 150, 38, 80, 8, 140].map { [[0, $0]] })
    #expect(try file.answer("exploding") == [])
  }

  @Test func middleKernelsAreComparedWithTheLast() throws {
    let file = try HandMadeFile()
    try file.addRun(
      "deep", weights: [("a", "[1,2]"), ("b", "[1,2]"), ("c", "[1,2]")],
      gradients: Array(repeating: [[0, 256], [0, 128], [0, 1]], count: 3))
    #expect(try file.answer("exploding") == ["deep|0|b|1|last layer|3|3|0|0|1|0|128.0|70.0"])
  }
}
