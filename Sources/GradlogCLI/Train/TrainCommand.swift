internal import ArgumentParser
internal import Foundation
internal import Gradlog
internal import GradlogAnalysis
internal import GradlogTrainer

/// `gradlog train`
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a network and record the gradient of every weight in every batch.",
    discussion: """
      Networks of dense layers with Keras's names and defaults. A target of a few whole numbers or \
      of words is classified, any other is predicted as a number.

        gradlog train --data digits.csv --target digit --epochs 30
        gradlog train --example article --print-gradients
        gradlog train --model model.json --run baseline
      """)

  @OptionGroup(title: "What to train") var model: ModelOptions
  @OptionGroup(title: "Recording") var recording: RecordingOptions

  @Flag(help: "Print each gradient, as the article did.")
  var printGradients = false

  @Flag(help: "Show no progress.")
  var quiet = false

  func run() throws {
    let task = try TrainingTask(model)
    let interruption = StopOnSignal()
    var callbacks: [any Callback] = [interruption]
    if printGradients { callbacks.append(GradientPrinter(stage: recording.stage)) }
    if !quiet { callbacks.append(ProgressLine()) }

    if recording.noRecord {
      try task.run(callbacks: callbacks)
    } else {
      let run = try recording.runName(for: task)
      let stopped = try GradientRecorder.record(
        to: recording.file, run: run, options: try recording.options(for: task)
      ) { recorder in
        try task.run(callbacks: [recorder] + callbacks)
        return recorder.stopped
      }
      if let stopped { Talk.say("the training was stopped: \(stopped)") }
      if !quiet { try report(run) }
      if stopped != nil { throw ExitCode(2) }
    }
    // By convention, 128 and the number of the signal.
    if let signal = interruption.signal { throw ExitCode(128 + signal) }
  }

  /// Says what is in the file now, and how to ask it.
  private func report(_ run: String) throws {
    let file = try Recording(path: recording.file)
    guard let summary = try file.runs().first(where: { $0.name == run }) else { return }
    Talk.say(
      "recorded \(summary.batches) batches of \(summary.weights) weights as run '\(run)' "
        + "in \(recording.file) (\(ByteCount(file.sizeInBytes)))")
    Talk.say(summary.worstFinding.map { "worst finding: \($0)" } ?? "no finding while recording")
    Talk.say(
      "ask it: gradlog diagnose --db \(Self.quoted(recording.file)) --run \(Self.quoted(run))")
  }

  /// A word as the shell reads it back.
  private static func quoted(_ word: String) -> String {
    let isPlain =
      !word.isEmpty
      && word.allSatisfy {
        $0.isASCII && ($0.isLetter || $0.isNumber || "._-/+=:@%".contains($0))
      }
    return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}
