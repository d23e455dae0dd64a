import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// A run that is taken up again: its detectors go on as if it had never been closed.
@Suite final class ResumedRunTests {
  private let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"

  deinit {
    for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) }
  }

  /// What a batch of a made-up training has.
  private struct Made {
    var values: [Float]? = [1, 2]
    var loss: Double?
    var optimizer = ""
  }

  /// Records some batches of a training, and returns what was said meanwhile.
  @discardableResult
  private func record(
    _ batches: Range<Int>, stopOn: GradientRecorder.StopCondition? = nil, _ made: (Int) -> Made
  ) throws -> (heard: [LiveFinding], stopped: LiveFinding?) {
    var options = GradientRecorder.Options()
    options.stopOn = stopOn
    let recorder = try GradientRecorder(path: path, run: "r", options: options)
    for batch in batches {
      let made = made(batch)
      let context = BatchContext(
        epoch: batch / 50, batch: batch % 50, optimizer: made.optimizer, loss: made.loss)
      recorder.record(context) {
        if let values = made.values {
          $0.add("kernel", values, shape: [1, 2])
        } else {
          $0.addAbsent("kernel")
        }
        $0.add("bias", [Float(1 + batch % 3)], shape: [1])
      }
    }
    try recorder.flush()
    let result = (recorder.findings, recorder.stopped)
    try recorder.close()
    return result
  }

  /// The findings of the file, after it was made sure that a replay finds the same.
  private func findings() throws -> [DiagnosedFinding] {
    let diagnoses = try Recording(path: path).diagnose()
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(FindingSummary.of(diagnoses) == live)
    return diagnoses.flatMap(\.findings)
  }

  /// Random trainings with every kind of trouble, several runs, ranks and optimizers.
  @Test(arguments: 21...28)
  func whatIsSaidIsWhatAReplayOfTheWholeRunSays(seed: UInt64) throws {
    let file = try RandomRecording(seed: seed, resumedAt: [17, 60, 61])
    let live = try file.read(FindingSummary.live)
    #expect(FindingSummary.of(try Recording(path: file.path).diagnose()) == live)
    #expect(!live.isEmpty)
  }

  @Test(arguments: 31...34)
  func whatIsReplacedIsForgotten(seed: UInt64) throws {
    let file = try RandomRecording(seed: seed)
    try file.resume(epoch: 1, batch: 3)
    let diagnoses = try Recording(path: file.path).diagnose()
    #expect(diagnoses.map(\.batches) == [63, 120, 120])
    #expect(FindingSummary.of(diagnoses) == (try file.read(FindingSummary.live)))
    try file.execute("DROP TABLE gradient_series")
    #expect(try Recording(path: file.path).diagnose() == diagnoses)
  }

  @Test func aTroubleThatBeganBeforeGoesOn() throws {
    func made(_ batch: Int) -> Made { Made(values: batch < 30 ? [1, 2] : [.nan, 2]) }
    try record(0..<60, made)
    try record(60..<120, made)
    let finding = try #require(try findings().first { $0.rule == .nonFinite })
    #expect(finding.first.step == 30 && finding.last.step == 119 && finding.batches == 90)
  }

  @Test func aTroubleEndsAfterTheResumption() throws {
    func made(_ batch: Int) -> Made { Made(values: batch < 70 ? nil : [1, 2], loss: 2) }
    try record(0..<60, made)
    let open = try #require(try findings().first { $0.rule == .absent })
    #expect(open.severity == .critical && open.last.step == 59)
    try record(60..<120, made)
    let ended = try #require(try findings().first { $0.rule == .absent })
    #expect(ended.first.step == 0 && ended.last.step == 69 && ended.severity == .warning)
  }

  /// What a jump is compared with lies before the resumption.
  @Test func aJumpBesideWhatWasBeforeStops() throws {
    func made(_ batch: Int) -> Made {
      Made(values: batch == 60 ? [1000, 1] : [1 + 0.1 * Float(batch % 3), 1])
    }
    try record(0..<60, made)
    let (heard, stopped) = try record(60..<64, stopOn: .severity(.warning), made)
    #expect(stopped?.rule == .exploding && stopped?.step == 60, "\(heard)")
    #expect(try findings().contains { $0.rule == .exploding && $0.first.step == 60 })
  }

  /// Whoever goes on with a training is told of what it shows, not of what it had shown.
  @Test func whatWasSaidBeforeIsSaidAgainWhenItIsSeenAgain() throws {
    func made(_ batch: Int) -> Made {
      Made(values: batch == 40 || batch == 75 ? [.nan, 2] : [1, 2])
    }
    let stopOn = GradientRecorder.StopCondition.rule(.nonFinite)
    #expect(try record(0..<60, stopOn: stopOn, made).stopped?.step == 40)
    #expect(try record(60..<70, stopOn: stopOn, made).stopped == nil)
    let (heard, stopped) = try record(70..<80, stopOn: stopOn, made)
    #expect(stopped?.step == 40 && heard.count { $0.rule == .nonFinite } == 1)
    let finding = try #require(try findings().first { $0.rule == .nonFinite })
    #expect(finding.last.step == 75 && finding.batches == 2)
  }

  /// The gradients of two optimizers have no history in common, whichever of them is seen first again.
  @Test func optimizersAreKnownByTheirNames() throws {
    func made(_ batch: Int) -> Made {
      let isCritic = batch % 3 == 2
      let size: Float = (isCritic ? 8 : 1) * (batch == 90 ? 5000 : 1)
      return Made(
        values: [size * (1 + 0.1 * Float(batch % 4)), size], loss: 2,
        optimizer: isCritic ? "critic" : "actor")
    }
    try record(0..<60, made)
    try record(62..<122, made)
    let jump = try #require(try findings().first { $0.rule == .exploding })
    #expect(jump.first.step == 88, "\(jump)")
  }

  /// Rows that another recorder's detectors left, or that are about what is no longer so.
  @Test func rowsThatNoReplayGivesAreReplaced() throws {
    try record(0..<60) { _ in Made() }
    try DatabaseQueue(path: path).write { db in
      try db.execute(
        sql: """
          DELETE FROM findings;
          INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
            batch_count, advice) VALUES (1, NULL, 'vanishing', 'critical', 3, 9, 7, ''),
            (1, 1, 'nonfinite', 'warning', 3, 9, 7, '')
          """)
    }
    try record(60..<70) { Made(values: $0 == 65 ? [.infinity, 1] : [1, 2]) }
    let finding = try #require(try findings().first { $0.rule == .nonFinite })
    #expect(finding.first.step == 65)
  }

  /// The series may be incomplete: then the rows of the gradients are read.
  @Test(arguments: ["first_batch_id < 30", "first_batch_id > 30", "1"])
  func aRunWithoutSeriesIsGoneOnWith(lost: String) throws {
    func made(_ batch: Int) -> Made { Made(values: batch < 30 ? [1, 2] : [.nan, 2]) }
    try record(0..<25, made)
    try record(25..<60, made)
    try DatabaseQueue(path: path).write {
      try $0.execute(sql: "DELETE FROM gradient_series WHERE \(lost)")
    }
    try record(60..<120, made)
    let finding = try #require(try findings().first { $0.rule == .nonFinite })
    #expect(finding.first.step == 30 && finding.batches == 90)
  }

  /// Recording goes on with detectors that begin anew, and what was said stays said.
  @Test func aRunThatCannotBeReadAgainIsRecordedOn() throws {
    try record(0..<20) { Made(values: $0 == 5 ? [.nan, 2] : [1, 2]) }
    let recorder = try GradientRecorder(path: path, run: "r")
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    try DatabaseQueue(path: path, configuration: configuration).write {
      try $0.execute(sql: "DELETE FROM runs")
    }
    for batch in 20..<40 {
      recorder.record(epoch: 0, batch: batch) {
        $0.add("kernel", batch == 30 ? [Float.nan, 1] : [1, 2], shape: [1, 2])
      }
    }
    try recorder.close()
    let rows = try DatabaseQueue(path: path).read { db in
      try Row.fetchAll(db, sql: "SELECT * FROM findings WHERE rule = 'nonfinite'")
    }
    #expect(rows.map { $0["first_batch_id"] } == [6])
    #expect(rows.map { $0["last_batch_id"] } == [31])
    #expect(rows.map { $0["batch_count"] } == [2])
  }

  /// A page of the series that SQLite cannot follow.
  @Test func aRunOnADamagedPageIsRecordedOn() throws {
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(.none)
    options.commitInterval = 3600
    func record(_ batches: Range<Int>) throws {
      try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
        for batch in batches {
          recorder.record(epoch: 0, batch: batch) {
            for weight in 0..<100 {
              let value = batch == 75 && weight == 50 ? 1_234_567.0 : Float(1 + batch % 3)
              $0.add("w\(weight)", [value], shape: [1])
            }
          }
        }
      }
    }
    try record(0..<100)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let norm = withUnsafeBytes(of: 1_234_567.0) { Data($0) }
    let place = try #require(bytes.range(of: norm)?.lowerBound)
    let page = place / 65_536 * 65_536
    // What links it to the next one.
    bytes.replaceSubrange(page..<page + 4, with: [255, 255, 255, 255])
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(throws: (any Error).self) { try Recording(path: self.path).diagnose() }
    try record(100..<160)
    let count = try DatabaseQueue(path: path).read {
      try Int.fetchOne($0, sql: "SELECT count(*) FROM batches")
    }
    #expect(count == 160)
  }

  /// Whatever a file holds, a run of it is recorded on or refused.
  @Test(arguments: HostileChange.all)
  func aHostileFileIsRecordedToOrRefused(_ damage: String) throws {
    let file = try RandomRecording(seed: 11)
    try file.execute(damage)
    for _ in 0..<2 { try? file.resume(epoch: 3, batch: 0) }
    try? file.resume(epoch: 1, batch: 3)
    _ = try? Recording(path: file.path).diagnose()
  }
}
