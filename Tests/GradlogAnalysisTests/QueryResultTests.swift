import GradlogAnalysis
import Testing

/// The other questions on recordings small enough to check by hand: (file, question, rows).
///
/// Rows begin with run, rank, weight and position. Every run has two batches an epoch.
struct QueryResultTests {
  private static let weights: [HandMadeFile.Weight] = [("kernel", "[1,2]"), ("bias", "[2]")]

  /// Two runs, the second of two ranks, with an absent and a non-finite gradient in each.
  private static func ordinary() throws -> HandMadeFile {
    let file = try HandMadeFile()
    let gradients: [[[Double]?]] = [
      [[3, 4], [0, 0]], [[6, 8], nil], [[0, .nan], [0, 0]], [[0, 0], [-.infinity, .infinity]],
    ]
    try file.addRun("a", weights: weights, gradients: gradients, losses: [4, 2, 1, .nan])
    try file.addRun("b", weights: weights, gradients: [[[0, 1], [0, 2]]])
    try file.addRun("b", rank: 1, weights: weights, gradients: [[[0, 4], [0, 8]]])
    return file
  }

  @Test func nonfinite() throws {
    // Nonfinite batches, recorded batches, NaN, +Inf, -Inf, first and last batch, first loss.
    let rows = ["a|0|kernel|0|1|4|1|0|0|1|0|1|0|1.0", "a|0|bias|1|1|3|0|1|1|1|1|1|1|NULL"]
    let file = try Self.ordinary()
    #expect(try file.answer("nonfinite") == rows)
    #expect(try file.answer("nonfinite", ["weight": "b*"]) == [rows[1]])
    #expect(try file.answer("nonfinite", ["epoch_to": 0]) == [])
    #expect(try file.answer("nonfinite", ["run": "b"]) == [])
  }

  @Test func nonfiniteNamesTheSourceFirst() throws {
    let file = try HandMadeFile()
    try file.addRun(
      "a", weights: [("first", "[1]"), ("last", "[1]")],
      gradients: [[[1], [1]], [[.nan], [.nan]]])
    // In one batch NaN comes from the loss: the last weight had it before the first.
    #expect(try file.answer("nonfinite").map { $0.split(separator: "|")[2] } == ["last", "first"])
  }

  @Test func dead() throws {
    // Dead batches, recorded batches, share, first and last dead batch, dead ones at the end.
    let file = try Self.ordinary()
    #expect(try file.answer("dead") == ["a|0|bias|1|2|3|0.6666666666666666|0|0|1|0|0"])
    #expect(
      try file.answer("dead", ["share": 0.25, "weight": "kernel"]) == [
        "a|0|kernel|0|1|4|0.25|1|1|1|1|1"
      ])
    #expect(try file.answer("dead", ["share": 0.75]) == [])
    #expect(
      try file.answer("dead", ["share": 0.75, "recent": 1]) == ["a|0|kernel|0|1|4|0.25|1|1|1|1|1"])
  }

  @Test func zeroLossLeavesNothingToLearn() throws {
    let file = try HandMadeFile()
    try file.addRun(
      "done", weights: [("kernel", "[1]")], gradients: [[[1]], [[0]], [[0]]], losses: [1, 0, 0])
    #expect(try file.answer("dead") == [])
  }

  @Test func absent() throws {
    let rows = ["a|0|bias|1|1|4|0.25|0|1|0|1"]
    let file = try Self.ordinary()
    #expect(try file.answer("absent") == rows)
    #expect(try file.answer("absent", ["epoch_from": 1]) == [])
    try file.addRun("c", weights: [("frozen", "[]")], gradients: [[nil], [nil]])
    #expect(try file.answer("absent") == rows + ["c|0|frozen|0|2|2|1.0|0|0|0|1"])
  }

  @Test func byDepth() throws {
    // Shape, batches with a norm, median, smallest and largest norm, median rms.
    let file = try Self.ordinary()
    #expect(
      try file.answer("by-depth", ["run": "a"]) == [
        "a|0|kernel|0|[1,2]|4|0.0|0.0|10.0|0.0", "a|0|bias|1|[2]|2|0.0|0.0|0.0|0.0",
      ])
    #expect(
      try file.answer("by-depth", ["run": "b", "weight": "bias"]) == [
        "b|0|bias|1|[2]|1|2.0|2.0|2.0|1.4142135623730951",
        "b|1|bias|1|[2]|1|8.0|8.0|8.0|5.656854249492381",
      ])
  }

  @Test func byEpoch() throws {
    // Epoch, batches, mean, smallest and largest norm, mean |g|, largest |g|, zeros, non-finite.
    let file = try Self.ordinary()
    #expect(
      try file.answer("by-epoch", ["run": "a"]) == [
        "a|0|kernel|0|0|2|7.5|5.0|10.0|5.25|8.0|0.0|0",
        "a|0|kernel|0|1|2|0.0|0.0|0.0|0.0|0.0|0.75|1",
        "a|0|bias|1|0|1|0.0|0.0|0.0|0.0|0.0|1.0|0",
        "a|0|bias|1|1|2|0.0|0.0|0.0|0.0|0.0|0.5|1",
      ])
    #expect(try file.answer("by-epoch", ["epoch_from": 1, "limit": 1]).count == 1)
    #expect(
      try file.answer("by-epoch", ["epoch_from": 0, "epoch_to": 0, "run": "b"]).count == 4)
  }

  @Test func largest() throws {
    // Epoch, batch, step, norm, largest |g|, mean |g|, loss.
    let file = try Self.ordinary()
    let rows = ["a|0|kernel|0|0|1|1|10.0|8.0|7.0|2.0", "b|1|bias|1|0|0|0|8.0|8.0|4.0|1.0"]
    #expect(try file.answer("largest", ["limit": 2]) == rows)
    #expect(try file.answer("largest").count == 10)
    #expect(try file.answer("largest", ["run": "b", "limit": 1]) == [rows[1]])
  }

  @Test func ratio() throws {
    let file = try Self.ordinary()
    #expect(try file.answer("ratio") == [])
    try file.addRun(
      "deep", weights: [("a", "[1,2]"), ("b", "[2]"), ("c", "[2,1]")],
      gradients: [
        [[0, 1], [0, 9], [0, 4]], [[0, 3], [0, 9], [0, 4]], [[0, 1], nil, [0, 0]],
      ])
    // Epoch, first and last kernel, batches compared, mean, smallest and largest ratio.
    #expect(
      try file.answer("ratio") == [
        "deep|0|0|a|c|2|0.5|0.25|0.75", "deep|0|1|a|c|0|NULL|NULL|NULL",
      ])
  }

  @Test func underflow() throws {
    let file = try HandMadeFile()
    try file.addRun(
      "a", weights: [("kernel", "[1,8]"), ("bias", "[2]")],
      gradients: [[[0x1p-30, 1, 0x1p-12, 2, 0, 0, 0, 0], [0, 0]]])
    // dtype, non-zero elements, zeros, float16, bfloat16, float8 E4M3 and E5M2.
    let rows = [
      "a|0|kernel|0|float32|4|0.5|0.25|0.0|0.5|0.25",
      "a|0|bias|1|float32|0|1.0|NULL|NULL|NULL|NULL",
    ]
    #expect(try file.answer("underflow") == rows)
    #expect(try file.answer("underflow", ["threshold": 0.3]) == [rows[0]])
  }

  @Test func runs() throws {
    let file = try Self.ordinary()
    try file.execute("UPDATE runs SET finished_at = NULL, dropped_batches = 3 WHERE name = 'a'")
    try file.execute(
      """
      INSERT INTO gradient_values VALUES (1, 'dense', zeroblob(8)), (3, 'dense', zeroblob(8));
      INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, advice) VALUES (1, 1, 'small', 'warning', 1, 1, 1, ''),
        (1, 2, 'nonfinite', 'critical', 4, 4, 1, '')
      """)
    let start = "1970-01-01 00:00:00"
    let end = "1970-01-02 00:00:00"
    #expect(
      try file.answer("runs") == [
        "a|0|1|raw|by hand|unfinished|\(start)|NULL|2|2|4|4|8|16|3|0|4.0|NULL|nonfinite at bias|NULL",
        "b|0|1|raw|by hand|finished|\(start)|\(end)|2|1|1|1|2|0|0|0|1.0|1.0|NULL|NULL",
        "b|1|1|raw|by hand|finished|\(start)|\(end)|2|1|1|1|2|0|0|0|1.0|1.0|NULL|NULL",
      ])
  }

  @Test func weights() throws {
    let file = try Self.ordinary()
    try file.addRun("c", weights: [("unseen", "[]")], gradients: [[nil]])
    try file.execute("INSERT INTO gradient_values VALUES (1, 'dense', zeroblob(8))")
    // dtype, shape, elements, recorded, absent and captured batches, mean norm.
    #expect(
      try file.answer("weights", ["run": "a"]) == [
        "a|0|kernel|0|float32|[1,2]|2|4|0|1|3.75", "a|0|bias|1|float32|[2]|2|4|1|0|0.0",
      ])
    #expect(
      try file.answer("weights", ["weight": "unseen"]) == [
        "c|0|unseen|0|NULL|NULL|NULL|1|1|0|NULL"
      ])
  }

  @Test(arguments: CannedQuery.all.map(\.name))
  func emptyFileHasNoAnswer(name: String) throws {
    #expect(try HandMadeFile().answer(name) == [])
  }
}
