internal import Foundation
internal import GradlogAnalysis

/// Where data go: stdout, or a file that appears when it is complete.
enum Output {
  /// Whether stdout is a terminal.
  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Whether styles may be used on stdout. https://no-color.org
  static var isStyled: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// Calls `body` with an output to the file at `path`, or to stdout when it is nil.
  ///
  /// The file is there when this returns and is not when it throws.
  static func write<Result>(
    to path: String?, _ body: (ByteOutput) throws -> Result
  ) throws -> Result {
    let file = try path.map { try OutputFile($0) }
    var progress = Progress()
    let output = ByteOutput { bytes in
      if let file {
        try file.write(bytes)
      } else {
        try writeAll(bytes, to: STDOUT_FILENO, name: "stdout")
      }
      progress.add(bytes.count)
    }
    do {
      defer { progress.clear() }
      let result = try body(output)
      try output.flush()
      try file?.finish()
      return result
    } catch {
      file?.discard()
      throw error
    }
  }
}
