import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// A file that the last version of format 3 wrote, kept as the SQL that makes it: Fixtures/format-3.sql.
///
/// Run `gan` has two optimizers whose losses become NaN. In run `tuned`, `base/kernel` is frozen first and trained
/// later, `head/kernel` the other way round, and `mask` is always frozen.
@Suite final class FormatThreeTests {
  private let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"

  init() throws {
    let fixture = try #require(
      Bundle.module.url(forResource: "format-3", withExtension: "sql", subdirectory: "Fixtures"))
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction {
      try $0.execute(sql: try String(contentsOf: fixture, encoding: .utf8))
    }
    try queue.close()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private static let findings = """
    SELECT finding_id, run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
      batch_count, value, baseline, threshold, evidence, advice FROM findings
    """

  private func rows(_ sql: String) throws -> [[CellValue]] {
    try Recording(path: path).allRows(of: sql)
  }

  private func evidence(_ run: String) throws -> [String: String] {
    var options = DiagnosisOptions()
    (options.run, options.rules) = (run, [.absent])
    let findings = try Recording(path: path).diagnose(options).flatMap(\.findings)
    return Dictionary(
      findings.map { ($0.weight ?? "", $0.evidence) }, uniquingKeysWith: { one, _ in one })
  }

  /// Of what was frozen once and is no longer, such a file tells nothing.
  private static let tuned = [
    "base/kernel": "'base/kernel' received no gradient, until epoch 0, batch 19",
    "head/kernel": "'head/kernel' is held fixed", "mask": "'mask' is held fixed",
  ]

  @Test func isReadAsItIs() throws {
    let recording = try Recording(path: path)
    #expect(try recording.verify { Issue.record("\($0)") }.gradients == 258)
    #expect(try evidence("tuned") == Self.tuned)
    // Its one row about the network is that of the optimizer that began it.
    #expect(
      try recording.runs().first?.worstFinding?.description
        == "critical: nonfinite of the network with optimizer 'critic' since epoch 0, batch 6")
    var options = DiagnosisOptions()
    (options.run, options.rules) = ("gan", [.nonFinite])
    #expect(
      try recording.diagnose(options).flatMap(\.findings).map(\.optimizer)
        == ["critic", "generator"])
    #expect(try rows("PRAGMA user_version") == [[.integer(3)]])
  }

  @Test func becomesAFileOfThisFormatAndLosesNothing() throws {
    let before = try rows(Self.findings)
    #expect(before.count == 5)
    try GradientRecorder.record(to: path, run: "new") { recorder in
      recorder.record(epoch: 0, batch: 0) { $0.addAbsent("w", isFrozen: true) }
    }
    #expect(try rows("PRAGMA user_version") == [[.integer(4)]])
    #expect(try rows(Self.findings) == before)
    #expect(
      try rows("SELECT optimizer, count(*) FROM findings GROUP BY optimizer") == [
        [.text(""), .integer(3)], [.text("critic"), .integer(1)],
        [.text("generator"), .integer(1)],
      ])
    #expect(
      try rows("SELECT name, freezings.frozen FROM freezings JOIN weights USING (weight_id)")
        == [[.text("w"), .integer(1)]])
    #expect(try Recording(path: path).verify { Issue.record("\($0)") }.gradients == 259)
    #expect(try evidence("tuned") == Self.tuned)
  }

  /// What was frozen at last is from now on told, before and after.
  @Test func aRunOfItIsGoneOnWith() throws {
    try GradientRecorder.record(to: path, run: "tuned") { recorder in
      for batch in 0..<60 {
        recorder.record(epoch: 2, batch: batch, loss: 1) {
          if batch < 30 {
            $0.addAbsent("base/kernel", isFrozen: true)
          } else {
            $0.add("base/kernel", [Float(batch), 1, 2, 3], shape: [2, 2])
          }
          if batch < 10 {
            $0.addAbsent("head/kernel", isFrozen: true)
          } else {
            $0.add("head/kernel", [Float(batch), 1, 2, 3], shape: [2, 2])
          }
          $0.addAbsent("mask", isFrozen: true)
          $0.add("out/kernel", [1, Float(batch)], shape: [2, 1])
        }
      }
    }
    let told = """
      SELECT name, epoch, batch, freezings.frozen FROM freezings JOIN weights USING (weight_id)
      JOIN batches ON batch_id = first_batch_id ORDER BY batch_id
      """
    #expect(
      try rows(told) == [
        [.text("base/kernel"), .integer(2), .integer(0), .integer(1)],
        [.text("head/kernel"), .integer(2), .integer(10), .integer(0)],
        [.text("base/kernel"), .integer(2), .integer(30), .integer(0)],
      ])
    let recording = try Recording(path: path)
    _ = try recording.verify { Issue.record("\($0)") }
    var options = DiagnosisOptions()
    options.run = "tuned"
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(
      FindingSummary.of(try recording.diagnose(options)) == live.filter { $0.hasPrefix("tuned") })
    #expect(try evidence("tuned")["mask"] == "'mask' is held fixed")
  }

  /// The row that both optimizers shared becomes one for each.
  @Test func findingsOfTwoOptimizersPart() throws {
    try GradientRecorder.record(to: path, run: "gan") { recorder in
      recorder.record(BatchContext(epoch: 1, batch: 0, optimizer: "critic", loss: .nan)) {
        $0.add("critic/bias", [1, 2] as [Float], shape: [2])
      }
    }
    #expect(
      try rows("SELECT optimizer, batch_count FROM findings WHERE weight_id IS NULL ORDER BY 1")
        == [[.text("critic"), .integer(19)], [.text("generator"), .integer(10)]])
  }
}
