public import ArgumentParser
public import GradlogAnalysis

extension RowFormat: ExpressibleByArgument {}
extension ExportKind: ExpressibleByArgument {}
extension GradientFormat: ExpressibleByArgument {}
extension BatchAlignment: ExpressibleByArgument {}

/// How and where rows are written.
struct OutputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The form: table, csv, json, ndjson or markdown. Without it, table on a terminal and csv elsewhere.",
      valueName: "format"))
  var format: RowFormat?

  @Option(
    help: ArgumentHelp(
      "Write to this file, which appears when it is complete.", valueName: "file"))
  var output: String?

  /// Whether a person reads the rows rather than a program.
  var isForReading: Bool {
    switch format {
    case .table, .markdown: true
    case .csv, .json, .ndjson: false
    case nil: output == nil && Output.isTerminal
    }
  }

  /// Writes the rows that `body` produces, and says `nothing` when there are none.
  func write(
    otherwise nothing: String, as standard: RowFormat? = nil,
    _ body: (inout AnyRowWriter) throws -> Int
  ) throws {
    if try write(as: standard, body) == 0 { Talk.say(nothing) }
  }

  /// Writes the rows that `body` produces, and returns what it returns.
  func write<Result>(
    as standard: RowFormat? = nil, _ body: (inout AnyRowWriter) throws -> Result
  ) throws -> Result {
    let isTerminal = output == nil && Output.isTerminal
    let format = self.format ?? standard ?? (isTerminal ? .table : .csv)
    return try Output.write(to: output) { bytes in
      let isStyled = output == nil && Output.isStyled
      var writer = format.writer(to: bytes, isTerminal: isStyled)
      return try body(&writer)
    }
  }
}
