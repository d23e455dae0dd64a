import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// How large the weights were at first: what the training tells, what the file keeps, and what is found by it.
@Suite final class InitialNormTests {
  private let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"

  deinit { try? FileManager.default.removeItem(atPath: path) }

  private func stored() throws -> [String: Double?] {
    try DatabaseQueue(path: path).read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT name, initial_norm FROM weights")
      return Dictionary(uniqueKeysWithValues: rows.map { ($0["name"], $0["initial_norm"]) })
    }
  }

  /// A loss that comes down by two fifths and stays there, batch by batch.
  private func record(_ batches: Range<Int>, to recorder: GradientRecorder) {
    var random = RandomNumbers(seed: UInt64(batches.lowerBound) + 5)
    for step in batches {
      let loss = max(1.38, 2.3 - 0.023 * Double(step)) + 0.02 * (random.next() - 0.5)
      recorder.record(epoch: 0, batch: step, loss: loss) {
        for weight in ["first", "second", "last"] {
          $0.add(weight, (0..<24).map { _ in Float(random.next() - 0.5) }, shape: [6, 4])
        }
      }
    }
  }

  private func checkReplay() throws -> [DiagnosedFinding] {
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    let recording = try Recording(path: path)
    defer { try? recording.close() }
    let diagnoses = try recording.diagnose()
    #expect(FindingSummary.of(diagnoses) == live)
    _ = try recording.verify { Issue.record("\($0)") }
    return diagnoses[0].findings
  }

  @Test(arguments: [[100], [2, 100], [70, 100]])
  func whatIsFoundByThemIsFoundInTheFileAndInAResumedRun(ends: [Int]) throws {
    var first = 0
    for end in ends {
      try GradientRecorder.record(to: path, run: "r") { recorder in
        for weight in ["first", "second", "last"] {
          // What is told when the run goes on is not how it began.
          recorder.tellInitialNorm(first == 0 ? 0.02 : 2, of: weight)
        }
        record(first..<end, to: recorder)
      }
      first = end
    }
    #expect(try stored() == ["first": 0.02, "second": 0.02, "last": 0.02])
    let found = try #require(try checkReplay().first { $0.rule == .vanishing })
    #expect(found.severity == .critical && found.first.step == 0 && found.last.step == 99)
    #expect(found.evidence.hasPrefix("the kernels began with values far smaller than usual"))
  }

  /// Whoever has mended the initialization records the run anew.
  @Test(arguments: [0, 40])
  func aRunThatIsReplacedFromItsFirstBatchOnBeginsAnew(first: Int) throws {
    var options = GradientRecorder.Options()
    options.overlap = .replace
    for (norm, batches) in [(0.02, 0..<60), (2.5, first..<100)] {
      try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
        recorder.tellInitialNorm(norm, of: "first")
        recorder.tellInitialNorm(norm, of: "second")
        record(batches, to: recorder)
      }
    }
    let norm = first == 0 ? 2.5 : 0.02
    #expect(try stored() == ["first": norm, "second": norm, "last": nil])
    let found = try checkReplay().contains { $0.evidence.hasPrefix("the kernels began") }
    #expect(found == (first > 0))
  }

  @Test func whatIsNoNormIsNotTold() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      recorder.tellInitialNorm(.nan, of: "first")
      recorder.tellInitialNorm(-1, of: "second")
      recorder.tellInitialNorm(.infinity, of: "last")
      recorder.tellInitialNorm(3, of: "of no gradient")
      record(0..<3, to: recorder)
    }
    #expect(try stored() == ["first": nil, "second": nil, "last": nil])
  }

  @Test func whatIsToldTooLateDoesNotCount() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      recorder.tellInitialNorm(0, of: "first")
      recorder.tellInitialNorm(1, of: "second")
      recorder.tellInitialNorm(.leastNonzeroMagnitude, of: "second")
      record(0..<1, to: recorder)
      try recorder.flush()
      recorder.tellInitialNorm(7, of: "last")
      record(1..<3, to: recorder)
    }
    #expect(try stored() == ["first": 0, "second": .leastNonzeroMagnitude, "last": nil])
  }

  /// What a file says is not always a number that a norm can be.
  @Test(arguments: ["-1", "9e999", "'x'", "x'00'", "NULL", "1e300", "4"])
  func aHostileNormDoesNoHarm(value: String) throws {
    try GradientRecorder.record(to: path, run: "r") { record(0..<80, to: $0) }
    try DatabaseQueue(path: path).write {
      try $0.execute(sql: "UPDATE weights SET initial_norm = \(value)")
    }
    let recording = try Recording(path: path)
    _ = try recording.diagnose()
    var faults = 0
    _ = try recording.verify { _ in faults += 1 }
    #expect((faults > 0) == !["NULL", "1e300", "4"].contains(value))
    try recording.close()
    // A recorder goes on, or refuses in one sentence.
    do {
      try GradientRecorder.record(to: path, run: "r") { record(80..<90, to: $0) }
    } catch is GradlogError {}
  }
}
