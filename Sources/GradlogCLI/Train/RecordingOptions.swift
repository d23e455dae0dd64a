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
      """
      When values are kept, besides statistics: every-batch, every:N (steps), epochs:A..B, \
      around-findings:B,A (batches before and after) or none.
      """, valueName: "plan"),
    transform: RecordingOptions.schedule)
  var capture = CapturePlan.Schedule.everyBatch

  @Option(
    help: ArgumentHelp("Keep values of weights that match only; repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(
    help: ArgumentHelp("Keep no values of weights that match; repeatable.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    name: .customLong("values-as"),
    help: ArgumentHelp(
      "Keep values exactly (dense), or rounded to float16 or bfloat16; statistics are always exact.",
      valueName: "encoding"))
  var encoding = ValueEncoding.dense

  @Option(
    help: ArgumentHelp(
      "Keep no more values once the file has this size: 500MB, 2GiB.", valueName: "size"),
    transform: RecordingOptions.bytes)
  var budget: Int?

  @Option(
    help: ArgumentHelp(
      "wal: readers may watch; rollback: large values are written once, for a recording that nobody watches.",
      valueName: "kind"))
  var journal = GradientRecorder.Options.Journal.wal

  @Option(
    help: ArgumentHelp(
      """
      End the training before the step that a gradient would make of which a rule says something: critical, warning \
      (or worse), or the name of a rule. The exit code is 2 then.
      """, valueName: "finding"),
    transform: RecordingOptions.stopCondition)
  var stopOn: GradientRecorder.StopCondition?

  @Flag(help: "Say findings on stderr when they begin or become critical.")
  var logFindings = false

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
      _ = try plan()
    } catch {
      throw ValidationError("\(error)")
    }
  }

  private func plan() throws(GradlogError) -> CapturePlan {
    try CapturePlan(
      capture, include: include, exclude: exclude, encoding: encoding, fileBudget: budget)
  }

  /// How the recorder records this training.
  func options(for task: TrainingTask) throws -> GradientRecorder.Options {
    var options = GradientRecorder.Options()
    options.stage = stage
    options.capture = try plan()
    options.overlap = replace ? .replace : .refuse
    options.journal = journal
    options.stopOn = stopOn
    options.logsFindings = logFindings
    options.framework = "gradlog \(GradlogCommand.configuration.version)"
    options.configuration = task.configuration
    return options
  }

  /// The run's name: the given one, or one after the task that no run in the file has.
  func runName(for task: TrainingTask) throws -> String {
    let name = task.defaultName
    guard run == nil, FileManager.default.fileExists(atPath: file),
      let size = try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int, size > 0
    else { return run ?? name }
    let recording = try Recording(path: file)
    let taken = Set(try recording.runs().map(\.name))
    try recording.close()
    let numbered = (2...).lazy.map { "\(name)-\($0)" }
    return taken.contains(name) ? numbered.first { !taken.contains($0) } ?? name : name
  }

  private static func stopCondition(_ name: String) throws -> GradientRecorder.StopCondition {
    let known = GradientRecorder.StopCondition.named
    guard let condition = known[name] else {
      throw ValidationError("write one of \(known.keys.sorted().joined(separator: ", "))")
    }
    return condition
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
    case ("around-findings", let counts?):
      let counts = counts.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      if counts.count == 2, let before = counts[0], let after = counts[1] {
        return .aroundFindings(before: before, after: after)
      }
    default: break
    }
    throw ValidationError("write every-batch, every:10, epochs:0..4, around-findings:5,20 or none")
  }

  /// `2GiB`, `500MB`, `65536`.
  private static func bytes(_ text: String) throws -> Int {
    let units = [
      "": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
      "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
    ]
    let number = text.prefix { $0.isNumber || $0 == "." }
    let unit = text.dropFirst(number.count).trimmingCharacters(in: .whitespaces).lowercased()
    guard let value = Double(number), let factor = units[unit], value * Double(factor) < 1e18 else {
      throw ValidationError("write a size, as in 500MB or 2GiB")
    }
    return Int(value * Double(factor))
  }
}
