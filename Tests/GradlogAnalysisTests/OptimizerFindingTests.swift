import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// Two optimizers of one run, each with findings of its own.
@Suite final class OptimizerFindingTests {
  private let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The loss of the critic becomes NaN, and later that of the generator; both take gradients of `shared`.
  private func record(
    _ batches: Range<Int> = 0..<30, optimizers: [String] = ["critic", "generator"]
  ) throws {
    try GradientRecorder.record(to: path, run: "gan") { recorder in
      for batch in batches {
        for (number, optimizer) in optimizers.enumerated() {
          let loss = batch >= 10 + 8 * number ? Double.nan : 2 - Double(batch) / 50
          let size = Float(batch % 3 + 1)
          recorder.record(
            BatchContext(epoch: 0, batch: batch, optimizer: optimizer, loss: loss)
          ) {
            $0.add("\(number)/kernel", [size, 2, -1, size], shape: [2, 2])
            $0.add("shared", [batch == 5 ? .infinity : size, 1], shape: [2])
          }
        }
      }
    }
  }

  private func rows(_ sql: String) throws -> [[CellValue]] {
    try Recording(path: path).allRows(of: sql)
  }

  private static let networks = """
    SELECT optimizer, severity, first.batch, last.batch, batch_count FROM findings
    JOIN batches AS first USING (run_id, optimizer) JOIN batches AS last USING (run_id, optimizer)
    WHERE weight_id IS NULL AND rule = 'nonfinite' AND first.batch_id = first_batch_id
      AND last.batch_id = last_batch_id ORDER BY optimizer
    """

  @Test func eachKeepsARowAboutItsNetwork() throws {
    try record()
    #expect(
      try rows(Self.networks) == [
        [.text("critic"), .text("critical"), .integer(10), .integer(29), .integer(20)],
        [.text("generator"), .text("critical"), .integer(18), .integer(29), .integer(12)],
      ])
    let shared = """
      SELECT optimizer, batch_count FROM findings JOIN weights USING (weight_id)
      WHERE name = 'shared' AND rule = 'nonfinite' ORDER BY optimizer
      """
    #expect(
      try rows(shared) == [
        [.text("critic"), .integer(1)], [.text("generator"), .integer(1)],
      ])
    #expect(try Recording(path: path).verify { Issue.record("\($0)") }.faults == 0)
  }

  @Test(arguments: [0, 7, 14, 25]) func aReplayFindsWhatWasFoundLive(resumedAt edge: Int) throws {
    try record(0..<edge)
    try record(edge..<30)
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(FindingSummary.of(try Recording(path: path).diagnose()) == live)
    #expect(live.filter { $0.contains(" : nonfinite critical") }.count == 2, "\(live)")
  }

  @Test func whatIsLiveNamesItsOptimizer() throws {
    let heard = Monitor([LiveFinding]())
    var options = GradientRecorder.Options()
    options.onFinding = { finding in heard.withLock { $0.append(finding) } }
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      for optimizer in ["a", "b", "a"] {
        recorder.record(
          BatchContext(epoch: 0, batch: heard.withLock { $0.count }, optimizer: optimizer)
        ) { $0.add("w", [Float.nan], shape: [1]) }
        try? recorder.flush()
      }
    }
    #expect(heard.withLock { $0.map(\.optimizer) } == ["a", "b"])
  }

  @Test func aDiagnosisNamesTheOptimizersOfSeveral() throws {
    try record()
    let recording = try Recording(path: path)
    let diagnosis = try #require(try recording.diagnose().first)
    // What is infinite in batch 5 is the cause of all.
    #expect(
      diagnosis.sentence.hasPrefix(
        "With optimizer 'critic', the gradient of 'shared' has NaN or infinite elements from epoch 0, batch 5 on."
      ), "\(diagnosis.sentence)")
    #expect(diagnosis.sentence.contains("(optimizer 'generator')"), "\(diagnosis.sentence)")
    let about = diagnosis.stories.flatMap(\.lines).filter { $0.finding.rule == .nonFinite }
    #expect(Set(about.compactMap(\.finding.namedOptimizer)).count == 2, "\(about)")
    let summary = try #require(try recording.runs().first?.worstFinding)
    #expect(
      summary.description
        == "critical: nonfinite of shared with optimizer 'critic' since epoch 0, batch 5")
    #expect(try worst() == .text("nonfinite at shared with critic"))
  }

  @Test(arguments: ["", "adam"]) func oneOptimizerIsNotNamed(_ label: String) throws {
    try record(optimizers: [label])
    let recording = try Recording(path: path)
    let diagnosis = try #require(try recording.diagnose().first)
    #expect(!diagnosis.sentence.contains("optimizer"))
    #expect(diagnosis.findings.allSatisfy { $0.optimizer == label && $0.namedOptimizer == nil })
    #expect(try recording.runs().first?.worstFinding?.optimizer == nil)
    #expect(try worst() == .text("nonfinite at shared"))
    #expect(try rows("SELECT DISTINCT optimizer FROM findings") == [[.text(label)]])
  }

  @Test func aLabelMayContainAnything() throws {
    let labels = ["", "a\0b", "a\0c", "a", "日本 ' \n"]
    try record(0..<46, optimizers: labels)
    try record(46..<50, optimizers: labels)
    // The bytes, since a reader may stop at a NUL.
    let found = try rows(
      "SELECT hex(optimizer), batch_count FROM findings WHERE weight_id IS NULL AND rule = 'nonfinite' ORDER BY first_batch_id"
    )
    #expect(
      found
        == labels.enumerated().map { number, label in
          let hex = label.utf8.map { String(format: "%02X", $0) }.joined()
          return [.text(hex), .integer(Int64(50 - 10 - 8 * number))]
        })
    let recording = try Recording(path: path)
    _ = try recording.verify { Issue.record("\($0)") }
    #expect(
      Set(try recording.diagnose().flatMap(\.findings).map(\.optimizer)) == Set(labels))
  }

  /// What the question about runs says.
  private func worst() throws -> CellValue {
    let recording = try Recording(path: path)
    var answer = Answer()
    try recording.ask(CannedQuery.named("runs").sql, name: "runs", to: &answer)
    let place = try #require(answer.columns.firstIndex(of: "worst_finding"))
    return try #require(answer.rows.first)[place]
  }

  private struct Answer: RowWriter {
    var columns: [String] = []
    var rows: [[CellValue]] = []

    mutating func begin(columns: [String]) { self.columns = columns }
    mutating func write(_ row: [CellValue]) { rows.append(row) }
    mutating func end() {}
  }
}
