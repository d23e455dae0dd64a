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

  /// A weight for each, since a weight keeps its shape.
  private static func add(_ values: [Double], of name: String, to batch: inout GradientBatch) {
    let shape = values.count % 3 == 0 ? [3, values.count / 3] : [values.count]
    batch.add("\(name) float64", values, shape: shape)
    batch.add("\(name) float32", values.map { Float($0) }, shape: shape)
    batch.add("\(name) float16", values.map { Float16($0) }, shape: shape)
    batch.add("\(name) bfloat16", values.map { BFloat16(Float($0)) }, shape: shape)
    batch.add(
      "\(name) rows", rows: values.map { Float($0) }, at: values.indices.map { $0 * 2 },
      shape: [values.count * 2, 1])
  }

  @Test(.enabled(if: hasNumpy, "needs Python with numpy"))
  func numpyAgreesWithEveryStatistic() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    try GradientRecorder.record(to: path, run: "hostile") { recorder in
      for epoch in 0..<2 {
        for (batch, list) in HostileTensors.lists.enumerated() {
          // The second gradient is the first one turned round.
          let values = epoch == 0 ? list.values : list.values.reversed()
          recorder.record(epoch: epoch, batch: batch) { Self.add(values, of: list.name, to: &$0) }
        }
      }
    }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("second_reader.py").path
    let (status, output) = try Self.run([script, path])
    #expect(status == 0, "\(output)")
    #expect(output == "\(HostileTensors.lists.count * 10)\n")
  }
}
