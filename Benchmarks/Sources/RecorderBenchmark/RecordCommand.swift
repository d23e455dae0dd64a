import ArgumentParser
import Foundation
import Gradlog

struct RecordCommand: ParsableCommand {
  enum Capture: String, CaseIterable, ExpressibleByArgument {
    case all, none
  }

  enum Journal: String, CaseIterable, ExpressibleByArgument {
    case wal, rollback
  }

  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Measure the recorder.")

  @OptionGroup var stream: StreamOptions
  @Option(help: "The file to record to; replaced.") var file: String
  @Option(help: "Whether values are kept, or statistics only.") var capture = Capture.all
  @Option(help: "Milliseconds of computation before each batch.") var compute = 0.0
  @Option(help: "How the file is kept sound.") var journal = Journal.wal
  @Flag(help: "Wait for each batch instead of copying it.") var inPlace = false

  func run() throws {
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(file + suffix) }
    let stream = try stream.load()
    var measurement = Measurement(
      name: "gradlog", stream: self.stream.network.rawValue, batches: stream.batchCount)
    let computation = compute > 0 ? Computation(milliseconds: compute) : nil
    if let computation {
      let start = nanoseconds()
      for _ in 0..<stream.batchCount { computation.run() }
      measurement.computeSeconds = Double(nanoseconds() - start) * 1e-9
    }

    var options = GradientRecorder.Options()
    options.framework = "recorder-benchmark"
    options.journal = journal == .wal ? .wal : .rollback
    if capture == .none { options.capture = try CapturePlan(.none) }
    var times = [UInt64](repeating: 0, count: stream.batchCount)
    let recorder = try GradientRecorder(path: file, run: "benchmark", options: options)
    let meter = try Meter()
    for batch in 0..<stream.batchCount {
      computation?.run()
      let start = nanoseconds()
      let context = BatchContext(epoch: 0, batch: batch, loss: 0.5, learningRate: 1e-3)
      if inPlace {
        recorder.recordInPlace(context) { stream.add(batch, to: &$0) }
      } else {
        recorder.record(context) { stream.add(batch, to: &$0) }
      }
      times[batch] = nanoseconds() - start
    }
    // Throws if anything was lost.
    try recorder.close()
    measurement.diskBytes = try makeDurable(file)
    try meter.read(into: &measurement, batchTimes: times)
    try measurement.print()
  }
}

extension Stream {
  fileprivate func add(_ batch: Int, to gradients: inout GradientBatch) {
    for (index, weight) in weights.enumerated() {
      gradients.add(weight.name, gradient(index, batch: batch), shape: weight.shape)
    }
  }
}

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy", abstract: "Measure the floor: a copy of each batch into reused buffers.")

  @OptionGroup var stream: StreamOptions

  func run() throws {
    let stream = try stream.load()
    var measurement = Measurement(
      name: "copy", stream: self.stream.network.rawValue, batches: stream.batchCount)
    // In turn, as anything needs more than one that hands batches over.
    let buffers = (0..<4).map { _ in
      let buffer = UnsafeMutablePointer<Float>.allocate(capacity: stream.batchSize)
      // Now, so that no copy pays for the kernel's zeroing of fresh pages.
      buffer.initialize(repeating: 0, count: stream.batchSize)
      return buffer
    }
    var times = [UInt64](repeating: 0, count: stream.batchCount)
    let meter = try Meter()
    for batch in 0..<stream.batchCount {
      let start = nanoseconds()
      var target = buffers[batch % buffers.count]
      for index in stream.weights.indices {
        let gradient = stream.gradient(index, batch: batch)
        if let source = gradient.baseAddress { target.update(from: source, count: gradient.count) }
        target += gradient.count
      }
      times[batch] = nanoseconds() - start
    }
    try meter.read(into: &measurement, batchTimes: times)
    try measurement.print()
  }
}
