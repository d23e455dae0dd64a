import ArgumentParser
import Foundation
import Gradlog

/// Makes the file that the questions are asked of: many batches of a network of 161 tiny weights, with
/// statistics only, in which some gradients vanish, one explodes and one becomes NaN.
struct TableCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "table", abstract: "Make a file with many rows of statistics.")

  @Argument(help: "The file to make; replaced.") var file: String
  @Option(help: "How many gradients it has, at least.") var rows = 1_000_000

  private static let weightCount = 161
  private static let batchesPerEpoch = 1_000

  func run() throws {
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(file + suffix) }
    let weights = (0..<Self.weightCount).map { index in
      index.isMultiple(of: 2)
        ? Weight(name: "dense_\(index / 2)/kernel", shape: [4, 4])
        : Weight(name: "dense_\(index / 2)/bias", shape: [4])
    }
    let batchCount = (rows + Self.weightCount - 1) / Self.weightCount
    var source = HeavyTails(seed: 161)
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(.none)
    try GradientRecorder.record(to: file, run: "table", options: options) { recorder in
      var values: [Float] = []
      for batch in 0..<batchCount {
        let progress = Double(batch) / Double(batchCount)
        recorder.record(
          epoch: batch / Self.batchesPerEpoch, batch: batch % Self.batchesPerEpoch,
          loss: progress < 0.9 ? 1 - progress : 100 * progress, learningRate: 1e-3
        ) { gradients in
          for (index, weight) in weights.enumerated() {
            source.fill(&values, count: weight.count, scale: Self.scale(index, progress))
            if index == 42, batch % 500 == 499 { values[0] = .nan }
            gradients.add(weight.name, values, shape: weight.shape)
          }
        }
      }
    }
  }

  /// The size of a weight's gradients at some point of the training, 0 to 1.
  private static func scale(_ index: Int, _ progress: Double) -> Double {
    switch index {
    case ..<10: 1e-2 * pow(10, -8 * progress)
    case 100 where progress > 0.9: 1e3
    default: 1e-2
    }
  }
}
