internal import ArgumentParser
internal import Foundation
internal import GradlogAnalysis

/// The recording that a command reads.
struct FileOption: ParsableArguments {
  @Option(
    name: .customLong("db"),
    help: ArgumentHelp(
      "The recording. Without it, $GRADLOG_DB; without that, gradlog.db.", valueName: "file"))
  var path: String?

  /// Opens the recording, at the path that was given as an argument if there is one.
  func open(_ argument: String? = nil) throws -> Recording {
    let environment = ProcessInfo.processInfo.environment["GRADLOG_DB"] ?? ""
    return try Recording(
      path: argument ?? path ?? (environment.isEmpty ? "gradlog.db" : environment))
  }
}
