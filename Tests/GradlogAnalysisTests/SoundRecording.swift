import Foundation
import GRDB
import Gradlog
import GradlogAnalysis

/// What a recorder leaves, with a bit of everything: two runs, four types, a scalar, an empty tensor,
/// an absent gradient that is frozen later, elements that are not finite or nearly zero, values that were not captured.
final class SoundRecording {
  let folder: String
  var path: String { folder + "/runs.db" }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try record("mlp", batches: 3)
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(.none)
    try record("lean", batches: 1, options)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func record(
    _ run: String, batches: Int, _ options: GradientRecorder.Options = GradientRecorder.Options()
  ) throws {
    try GradientRecorder.record(to: path, run: run, options: options) { recorder in
      for batch in 0..<batches {
        recorder.record(epoch: 0, batch: batch, loss: batch == 1 ? .nan : 0.5) {
          $0.add("kernel", [1, -2, 0, 0.5, 0x1p-140, Float(batch)], shape: [2, 3])
          $0.add("bias", [Float16(0x1p-24), 3], shape: [2])
          $0.add(
            "odd", [Double.nan, .infinity, -.infinity, 1e200, -Double.leastNonzeroMagnitude],
            shape: [5])
          $0.add("scale", [BFloat16(1.5)], shape: [])
          $0.add("empty", [Float](), shape: [0, 4])
          $0.addAbsent("frozen", isFrozen: batch > 0)
        }
      }
    }
  }

  /// Changes the file behind gradlog's back. Writes that the schema forbids are let through.
  func damage(_ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// What verifying says, one line each.
  func faults(_ options: VerificationOptions = VerificationOptions()) throws -> [String] {
    var lines: [String] = []
    let recording = try Recording(path: path)
    let summary = try recording.verify(options) { lines.append("\($0)") }
    return summary.faults == lines.count ? lines : lines + ["counted \(summary.faults)"]
  }
}
