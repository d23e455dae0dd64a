internal import ArgumentParser
internal import Foundation
internal import Gradlog
internal import GradlogAnalysis

/// Where and how a training is recorded.
struct RecordingOptions: ParsableArguments {
  @Option(
    name: .customLong("db"),
    help: ArgumentHelp(
      "The recording. Without it, $GRADLOG_DB; without that, gradlog.db.", valueName: "file"))
  var path: String?

  @Option(
    help: ArgumentHelp(
      "The run's name. Without it, after the model or data, with a number if that is taken.",
      valueName: "name"))
  var run: String?

  @Option(help: "Which gradient: raw, before clipping, or applied, after it.")
  var stage = GradientStage.raw

  @Option(
    help: ArgumentHelp(
      "When values are kept, besides statistics: every-batch, every:N (steps), epochs:A..B or none.",
      valueName: "plan"),
    transform: RecordingOptions.schedule)
  var capture = CapturePlan.Schedule.everyBatch

  @Option(
    help: ArgumentHelp("Keep values of weights that match only; repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(
    help: ArgumentHelp("Keep no values of weights that match; repeatable.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "wal: readers may watch; rollback: large values are written once, for a recording that nobody watches.",
      valueName: "kind"))
  var journal = GradientRecorder.Options.Journal.wal

  @Flag(help: "Replace batches that the run already holds, and what follows them.")
  var replace = false

  @Flag(help: "Do not record, to see what recording costs.")
  var noRecord = false

  /// The file to record to.
  var file: String {
    let environment = ProcessInfo.processInfo.environment["GRADLOG_DB"] ?? ""
    return path ?? (environment.isEmpty ? "gradlog.db" : environment)
  }

  func validate() throws {
    do throws(GradlogError) {
      _ = try CapturePlan(capture, include: include, exclude: exclude)
    } catch {
      throw ValidationError("\(error)")
    }
  }

  /// Opens the file and begins the run.
  func makeRecorder(for task: TrainingTask) throws -> GradientRecorder {
    var options = GradientRecorder.Options()
    options.stage = stage
    options.capture = try CapturePlan(capture, include: include, exclude: exclude)
    options.overlap = replace ? .replace : .refuse
    options.journal = journal
    options.framework = "gradlog \(GradlogCommand.configuration.version)"
    options.configuration = task.configuration
    return try GradientRecorder(
      path: file, run: run ?? freeName(task.defaultName), options: options)
  }

  /// `name`, or with the first number that no run in the file has.
  private func freeName(_ name: String) throws -> String {
    guard FileManager.default.fileExists(atPath: file),
      let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int, size > 0
    else { return name }
    let recording = try Recording(path: file)
    let taken = Set(try recording.runs().map(\.name))
    try recording.close()
    var candidate = name
    var number = 2
    while taken.contains(candidate) {
      candidate = "\(name)-\(number)"
      number += 1
    }
    return candidate
  }

  private static func schedule(_ text: String) throws -> CapturePlan.Schedule {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.dropFirst().first) {
    case ("every-batch", nil): return .everyBatch
    case ("none", nil): return .none
    case ("every", let count?):
      if let count = Int(count), count > 0 { return .every(count) }
    case ("epochs", let range?):
      let epochs = try EpochRange(range)
      return .epochs((epochs.first ?? 0)...(epochs.last ?? .max))
    default: break
    }
    throw ValidationError("write every-batch, every:10, epochs:0..4 or none")
  }
}
