internal import ArgumentParser
internal import Foundation
internal import Gradlog

/// The command `gradlog`.
///
/// stdout is data, stderr is talk. Exit codes: 0 fine, also when there was nothing to find and when
/// the reader of a pipe has had enough; 1 a failure, told in one sentence; 64 a mistake in the
/// arguments; 2 when a command whose job is to find something wrong has found it.
@main
struct GradlogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradlog",
    abstract: "Record the gradients of a training run, and ask the file about them.",
    version: "0.1.0",
    subcommands: [
      TrainCommand.self, RunsCommand.self, DiagnoseCommand.self, DiffCommand.self,
      QueryCommand.self, ShowCommand.self, ExportCommand.self, SQLCommand.self,
      VerifyCommand.self, PruneCommand.self,
    ])

  static func main() {
    // A closed pipe is an error of write(2), not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch is ReaderIsGone {
      exit()
    } catch let error as GradlogError {
      Talk.say("gradlog: \(error)")
      exit(withError: error.code == .invalidArgument ? ExitCode.validationFailure : .failure)
    } catch  where exitCode(for: error) == .validationFailure {
      let sentence = sentence(for: error)
      let joint = sentence.hasSuffix("?") ? " See" : "; see"
      Talk.say("gradlog: \(sentence)\(joint) '\(helpCommand)'")
      exit(withError: ExitCode.validationFailure)
    } catch {
      exit(withError: error)
    }
  }

  /// What is wrong with the arguments, on one line and without a full stop.
  private static func sentence(for error: any Error) -> String {
    let lines = message(for: error).split(whereSeparator: \.isNewline).map(String.init)
    let sentence = lines.joined(separator: " ")
    return sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
  }

  private static var helpCommand: String {
    let given = CommandLine.arguments.dropFirst().first
    let command = configuration.subcommands.compactMap { $0.configuration.commandName }.first {
      $0 == given
    }
    return ["gradlog", command, "--help"].compactMap { $0 }.joined(separator: " ")
  }
}
