import Foundation
import Testing

@testable import Gradlog

/// What Python makes of our files, knowing only docs/FileFormat.md.
@Suite struct SecondReaderTests {
  private static let python =
    ProcessInfo.processInfo.environment["GRADLOG_TEST_PYTHON"] ?? "/usr/bin/python3"

  private static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  private static let hasNumpy = (try? run(["-c", "import numpy"]))?.status == 0

  @Test(.enabled(if: hasNumpy, "needs Python with numpy"))
  func numpyAgreesWithEveryStatistic() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    try GradientRecorder.record(to: path, run: "hostile") { recorder in
      for (batch, list) in HostileTensors.lists.enumerated() {
        // A weight for each, since a weight keeps its shape.
        recorder.record(epoch: 0, batch: batch) { gradients in
          let shape = [list.values.count]
          gradients.add("\(list.name) float64", list.values, shape: shape)
          gradients.add("\(list.name) float32", list.values.map { Float($0) }, shape: shape)
          gradients.add("\(list.name) float16", list.values.map { Float16($0) }, shape: shape)
          gradients.add(
            "\(list.name) bfloat16", list.values.map { BFloat16(Float($0)) }, shape: shape)
          gradients.add(
            "\(list.name) rows", rows: list.values.map { Float($0) },
            at: list.values.indices.map { $0 * 2 }, shape: [list.values.count * 2, 1])
        }
      }
    }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("second_reader.py").path
    let (status, output) = try Self.run([script, path])
    #expect(status == 0, "\(output)")
    #expect(output == "\(HostileTensors.lists.count * 5)\n")
  }
}
