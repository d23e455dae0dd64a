import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// Questions that are answered from `gradient_series`, held against their SQL over the rows.
struct SeriesAnswerTests {
  private static let questions = ["by-depth", "exploding", "nonfinite", "vanishing"]

  /// Random trainings with every kind of trouble, asked in many ways.
  @Test func seriesAndRowsGiveTheSameAnswer() throws {
    var rules: Set<String> = []
    for seed in 1...4 {
      let file = try RandomRecording(seed: UInt64(seed))
      let recording = try Recording(path: file.path)
      for name in Self.questions {
        let query = try CannedQuery.named(name)
        for values in file.settings(of: query) {
          let rows = try recording.allRows(of: query.sql, with: values)
          let answer = try recording.read { try query.answer(with: values, in: $0) }
          #expect(
            try #require(answer).map(Self.text) == rows.map(Self.text), "\(seed) \(name) \(values)")
          for row in rows { rules.insert("\(name) \(row[4].text ?? "")") }
        }
      }
    }
    #expect(
      rules.isSuperset(of: [
        "exploding absolute", "exploding history", "exploding last layer", "exploding nonfinite",
        "vanishing absolute", "vanishing history", "vanishing last layer", "nonfinite ",
      ]))
  }

  @Test func aRecorderLeavesACompleteSeries() throws {
    let file = try RandomRecording(seed: 3)
    let counts = try file.read { db in
      try (
        Int.fetchOne(db, sql: "SELECT sum(gradient_count) FROM batches"),
        Int.fetchOne(
          db, sql: "SELECT sum(batch_count * length(weight_ids_blob) / 8) FROM gradient_series")
      )
    }
    #expect(counts.0 == counts.1)
  }

  /// What a run holds is cut off in the middle of a row, and recorded anew.
  @Test func aResumedRunIsCompleteAgain() throws {
    let file = try RandomRecording(seed: 5)
    try file.resume(epoch: 1, batch: 3)
    let recording = try Recording(path: file.path)
    for name in Self.questions {
      let query = try CannedQuery.named(name)
      let rows = try recording.allRows(of: query.sql)
      let answer = try recording.read { try query.answer(with: [:], in: $0) }
      #expect(try #require(answer).map(Self.text) == rows.map(Self.text))
    }
  }

  /// Whatever does not fit the rows is no series: the question is asked in SQL.
  @Test(arguments: [
    "DELETE FROM gradient_series WHERE first_batch_id = 1", "DROP TABLE gradient_series",
    "UPDATE gradient_series SET norms_blob = x'00' WHERE first_batch_id = 1",
    "UPDATE gradient_series SET nonfinite_blob = x'00' WHERE first_batch_id = 1",
    "UPDATE gradient_series SET absent_blob = x'' WHERE first_batch_id = 1",
    "UPDATE gradient_series SET batch_count = batch_count - 1 WHERE first_batch_id = 1",
    "UPDATE gradient_series SET batch_count = 9223372036854775807 WHERE first_batch_id = 1",
    "UPDATE gradient_series SET batch_count = -1 WHERE first_batch_id = 1",
    "UPDATE gradient_series SET weight_ids_blob = x'' WHERE first_batch_id = 1",
    "UPDATE gradient_series SET weight_ids_blob = zeroblob(length(weight_ids_blob))",
    "UPDATE gradient_series SET run_id = run_id + 1", "UPDATE gradient_series SET norms_blob = 7",
    "UPDATE gradient_series SET first_batch_id = first_batch_id + 1",
    "UPDATE gradient_series SET first_gradient_id = first_gradient_id + 1 WHERE first_batch_id = 1",
    "UPDATE batches SET gradient_count = gradient_count - 1 WHERE batch_id = 2",
    "UPDATE batches SET first_gradient_id = 9223372036854775807 WHERE batch_id = 2",
  ])
  func anIncompleteSeriesIsNotAsked(_ damage: String) throws {
    let file = try RandomRecording(seed: 7)
    try file.execute(damage)
    let recording = try Recording(path: file.path)
    for name in Self.questions {
      let query = try CannedQuery.named(name)
      #expect(try recording.read { try query.answer(with: [:], in: $0) } == nil)
    }
  }

  @Test func theLimitCutsTheAnswer() throws {
    let file = try RandomRecording(seed: 9)
    let recording = try Recording(path: file.path)
    let query = try CannedQuery.named("by-depth")
    let answer = try recording.read { try query.answer(with: ["limit": .integer(2)], in: $0) }
    #expect(answer?.count == 2)
    #expect(try recording.read { try query.answer(with: ["limit": .text("2")], in: $0) } == nil)
  }

  private static func text(_ row: [CellValue]) -> String {
    row.map { "\($0)" }.joined(separator: "|")
  }
}

/// Two runs of a few hundred batches with random troubles, recorded by the recorder.
final class RandomRecording {
  let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
  private var source: RandomNumbers

  private static let weights: [(name: String, shape: [Int])] = [
    ("a/kernel", [2, 2]), ("a/bias", [2]), ("b/kernel", [2, 3]), ("b/bias", [3]),
    ("c/kernel", [3, 1]), ("c/bias", []), ("nothing", [0]),
  ]

  /// Each run is closed before some of its batches, and taken up again.
  init(seed: UInt64, resumedAt resumptions: [Int] = []) throws {
    source = RandomNumbers(seed: seed)
    let edges = [0] + resumptions + [120]
    for (run, rank) in [("first", 0), ("first", 1), ("second", 0)] {
      var options = GradientRecorder.Options()
      options.worldSize = 2
      options.rank = rank
      options.capture = try CapturePlan(.none)
      let troubles = (0..<3).map { _ in Trouble(&source) }
      for (first, end) in zip(edges, edges.dropFirst()) {
        try GradientRecorder.record(to: path, run: run, options: options) { recorder in
          for batch in first..<end {
            record(recorder, epoch: batch / 40, batch: batch % 40, troubles)
            // Several transactions, so that there are several rows of each series.
            if batch % 50 == 49 { try recorder.flush() }
          }
        }
      }
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Records the first run again from a batch on.
  func resume(epoch: Int, batch: Int) throws {
    var options = GradientRecorder.Options()
    options.overlap = .replace
    options.worldSize = 2
    try GradientRecorder.record(to: path, run: "first", options: options) { recorder in
      for offset in 0..<20 { record(recorder, epoch: epoch, batch: batch + offset, []) }
    }
  }

  func execute(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    try queue.close()
    try DatabaseQueue(path: path, configuration: configuration).write { try $0.execute(sql: sql) }
  }

  func read<Value>(_ value: (Database) throws -> Value) throws -> Value {
    try DatabaseQueue(path: path).read(value)
  }

  /// Ways to ask a question.
  func settings(of query: CannedQuery) -> [[String: CellValue]] {
    var settings: [[String: CellValue]] = [
      [:], ["run": .text("second")], ["weight": .text("*kernel")],
      ["epoch_from": .integer(1)], ["epoch_to": .integer(1), "weight": .text("[ab]/*")],
      ["run": .text("none")], ["limit": .integer(3)], ["epoch_from": .integer(7)],
    ]
    for parameter in query.parameters where Double(parameter.default) != nil {
      let fallback = Double(parameter.default) ?? 1
      for factor in [0, 0.3, 4] {
        let value = fallback * factor
        settings.append([
          parameter.name: parameter.type == "REAL" ? .real(value) : .integer(Int64(value))
        ])
      }
    }
    return settings
  }

  private func record(
    _ recorder: GradientRecorder, epoch: Int, batch: Int, _ troubles: [Trouble]
  ) {
    let step = epoch * 40 + batch
    let optimizer = batch % 7 == 3 ? "other" : ""
    let size = troubles.reduce(1) { $0 * $1.factor(at: step) }
    let loss: Double? = batch % 11 == 5 ? nil : batch % 13 == 6 ? .nan : source.next() + size
    let context = BatchContext(
      epoch: epoch, batch: batch, optimizer: optimizer, loss: loss)
    recorder.record(context) { gradients in
      for (index, weight) in Self.weights.enumerated() {
        if source.next() < 0.01 { continue }
        if source.next() < 0.02 {
          gradients.addAbsent(weight.name)
        } else {
          gradients.add(
            weight.name, values(index, step, weight.shape, troubles), shape: weight.shape)
        }
      }
    }
  }

  private func values(
    _ index: Int, _ step: Int, _ shape: [Int], _ troubles: [Trouble]
  ) -> [Double] {
    let count = shape.reduce(1, *)
    let scale = troubles.filter { $0.weight == index }.reduce(1) { $0 * $1.factor(at: step) }
    // Some norms are equal, some are zero, some not finite, some beyond the range of Double.
    let kind = source.next()
    return (0..<count).map { element in
      if kind < 0.05 { return 0 }
      if kind < 0.15 { return scale }
      if kind < 0.17 { return element == 0 ? .nan : element == 1 ? -.infinity : 1 }
      if kind < 0.18 { return .infinity }
      if kind < 0.185 { return 1e300 * scale }
      return (source.next() - 0.5) * scale
    }
  }

  /// From a step on, a weight's gradients change their size.
  private struct Trouble {
    let weight: Int
    let onset: Int
    let rate: Double

    init(_ source: inout RandomNumbers) {
      weight = Int(source.next() * 7)
      onset = Int(source.next() * 100)
      rate = [1e-9, 0.3, 1e4, 3, 1e-4][Int(source.next() * 5)]
    }

    func factor(at step: Int) -> Double {
      step < onset ? 1 : rate == 0.3 || rate == 3 ? pow(rate, Double(step - onset)) : rate
    }
  }
}

/// The same numbers in [0, 1) for the same seed. SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct RandomNumbers {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53
  }
}
