import Foundation
import Gradlog

extension Workplace {
  /// Records a run with two weights through the recorder itself; each batch has 12 bytes of values in
  /// a kernel of two elements and a bias of one, or more in a larger kernel.
  func recordMLP(_ file: String, run: String, batches: Int, kernel: Int = 2) throws {
    try GradientRecorder.record(to: folder + "/" + file, run: run) { recorder in
      for batch in 0..<batches {
        recorder.record(epoch: batch / 10, batch: batch % 10, loss: 0.5) {
          $0.add("kernel", [Float](repeating: 0.5, count: kernel), shape: [kernel])
          $0.add("bias", [Float(3)], shape: [1])
        }
      }
    }
  }
}
