import Foundation
import Gradlog
import GradlogTrainer
import Testing

/// The programs of README.md, compiled and run, each in a process of its own since they record to the
/// current folder.
@Suite struct ReadmeProgramTests {
  private static func inScratchFolder(_ body: () throws -> Void) throws {
    let manager = FileManager.default
    let folder = manager.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try manager.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? manager.removeItem(at: folder) }
    #expect(manager.changeCurrentDirectoryPath(folder.path))
    try body()
    #expect(manager.fileExists(atPath: "runs.db"))
  }

  @Test func theTrainer() async {
    await #expect(processExitsWith: .success) {
      let data = Example.binaryClassifier.data
      try Self.inScratchFolder {
        let model = try Sequential(
          [
            Dense(16, activation: .relu), Dense(8, activation: .relu),
            Dense(1, activation: .sigmoid),
          ],
          inputs: 10, loss: .binaryCrossentropy, optimizer: .adam())

        try GradientRecorder.record(to: "runs.db", run: "mlp") { recorder in
          try model.fit(data, batchSize: 32, epochs: 5, callbacks: [recorder, GradientPrinter()])
        }
      }
    }
  }

  @Test func anyOtherLoop() async {
    await #expect(processExitsWith: .success) {
      let gradients = [[Float]](repeating: [1, 2, 3, 4, 5, 6], count: 3)
      try Self.inScratchFolder {
        try GradientRecorder.record(to: "runs.db", run: "own loop") { recorder in
          for (index, gradient) in gradients.enumerated() {
            recorder.record(epoch: 0, batch: index, loss: 0.5) {
              $0.add("dense/kernel", gradient, shape: [2, 3])
            }
          }
        }
      }
    }
  }
}
