import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// The detectors replayed over a file, held against what they said while it was recorded.
struct ReplayTests {
  /// Random trainings with every kind of trouble, several runs, ranks and optimizers.
  @Test func aReplayFindsWhatWasFoundLive() throws {
    var rules: Set<Rule> = []
    for seed in 1...8 {
      let file = try RandomRecording(seed: UInt64(seed))
      let live = try file.read(FindingSummary.live)
      let diagnoses = try Recording(path: file.path).diagnose()
      #expect(FindingSummary.of(diagnoses) == live, "seed \(seed)")
      #expect(diagnoses.map(\.batches) == [120, 120, 120])
      rules.formUnion(diagnoses.flatMap { $0.findings.map(\.rule) })
    }
    #expect(rules.isSuperset(of: [.nonFinite, .exploding]), "\(rules)")
  }

  /// The recorder has the file open, and most of it is in the log beside it.
  @Test func aRunIsDiagnosedWhileItIsRecorded() throws {
    let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
    defer {
      for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + end) }
    }
    let recorder = try GradientRecorder(path: path, run: "live")
    for batch in 0..<60 {
      recorder.record(epoch: 0, batch: batch, loss: 1) {
        $0.add("kernel", [batch > 40 ? Float.nan : 1, 2], shape: [1, 2])
      }
    }
    try recorder.flush()
    let diagnoses = try Recording(path: path).diagnose()
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(live.contains { $0.contains("nonfinite critical 42..60") })
    #expect(FindingSummary.of(diagnoses) == live)
    try recorder.close()
  }

  @Test(arguments: [1, 2, 3, 4])
  func theRowsGiveWhatTheSeriesGives(seed: UInt64) throws {
    let file = try RandomRecording(seed: seed)
    let recording = try Recording(path: file.path)
    let fromSeries = try recording.diagnose()
    let second = try recording.diagnose(Self.options { $0.run = "second" })
    #expect(second == [fromSeries[2]])
    try recording.close()
    try file.execute("DROP TABLE gradient_series")
    let rows = try Recording(path: file.path)
    #expect(try rows.diagnose() == fromSeries)
    #expect(try rows.diagnose(Self.options { $0.run = "second" }) == second)
  }

  /// A batch without gradients counts as one all the same.
  @Test func aBatchWithoutGradientsIsSeen() throws {
    let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try GradientRecorder.record(to: path, run: "gaps") { recorder in
      for batch in 0..<90 {
        recorder.record(epoch: 0, batch: batch, loss: batch == 50 ? .nan : 2) {
          if batch % 3 == 0 { $0.add("kernel", [Float(1), 2], shape: [1, 2]) }
        }
      }
    }
    let diagnoses = try Recording(path: path).diagnose()
    #expect(diagnoses[0].batches == 90)
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(FindingSummary.of(diagnoses) == live)
    #expect(diagnoses[0].findings.contains { $0.rule == .nonFinite && $0.first.step == 50 })
  }

  /// The file tells what was frozen at last; a weight that had gradients before was not frozen then.
  @Test func aWeightThatIsFrozenAtLastWasTrainedBefore() throws {
    let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try GradientRecorder.record(to: path, run: "r") { recorder in
      for batch in 0..<100 {
        recorder.record(epoch: 0, batch: batch, loss: 2) {
          if batch < 80 {
            $0.add("first/kernel", [Float(1), 2], shape: [1, 2])
          } else {
            $0.addAbsent("first/kernel", isFrozen: true)
          }
          $0.add("last/kernel", [Float(1), 2], shape: [2, 1])
          if (20..<60).contains(batch) {
            $0.addAbsent("last/bias")
          } else {
            $0.add("last/bias", [Float(1)], shape: [1])
          }
        }
      }
    }
    let diagnoses = try Recording(path: path).diagnose()
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(FindingSummary.of(diagnoses) == live)
    // One of three weights that were trained, not one of two.
    let bias = try #require(
      diagnoses[0].findings.first { $0.rule == .absent && $0.weight == "last/bias" })
    #expect(bias.severity == .info)
  }

  /// Whatever a file holds, it is told or refused.
  @Test(arguments: HostileChange.all)
  func aHostileFileIsDiagnosedOrRefused(_ damage: String) throws {
    let file = try RandomRecording(seed: 11)
    try file.execute(damage)
    _ = try? Recording(path: file.path).diagnose()
    try file.execute("DROP TABLE gradient_series")
    _ = try? Recording(path: file.path).diagnose()
  }

  @Test func onlyTheRulesThatAreAskedForCount() throws {
    let file = try RandomRecording(seed: 1)
    let recording = try Recording(path: file.path)
    let all = try recording.diagnose().flatMap(\.findings)
    let some = try recording.diagnose(Self.options { $0.rules = [.nonFinite] }).flatMap(\.findings)
    #expect(some.count == all.count { $0.rule == .nonFinite } && !some.isEmpty)
    #expect(some.allSatisfy { $0.rule == .nonFinite })
  }

  @Test func aRunThatIsNotThereIsNamed() throws {
    let file = try RandomRecording(seed: 1)
    let recording = try Recording(path: file.path)
    #expect(throws: GradlogError.self) { try recording.diagnose(Self.options { $0.run = "secnd" }) }
  }

  private static func options(_ change: (inout DiagnosisOptions) -> Void) -> DiagnosisOptions {
    var options = DiagnosisOptions()
    change(&options)
    return options
  }
}
