public import ArgumentParser
public import GradlogAnalysis

extension RowFormat: ExpressibleByArgument {}
extension ExportKind: ExpressibleByArgument {}
extension GradientFormat: ExpressibleByArgument {}

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

  /// Writes the rows that `body` produces, and says `nothing` when there are none.
  func write(
    otherwise nothing: String, as standard: RowFormat? = nil,
    _ body: (inout RowSink) throws -> Int
  ) throws {
    let isTerminal = output == nil && Output.isTerminal
    let format = self.format ?? standard ?? (isTerminal ? .table : .csv)
    let count = try Output.write(to: output) { bytes in
      let isStyled = output == nil && Output.isStyled
      var sink = RowSink(format.writer(to: bytes, isTerminal: isStyled))
      return try body(&sink)
    }
    if count == 0 { Talk.say(nothing) }
  }
}

/// A writer of any form.
struct RowSink: RowWriter {
  private var writer: any RowWriter

  init(_ writer: any RowWriter) {
    self.writer = writer
  }

  mutating func begin(columns: [String]) throws { try writer.begin(columns: columns) }

  mutating func write(_ row: [CellValue]) throws { try writer.write(row) }

  mutating func write(_ elements: TensorElements, after leading: [CellValue]) throws {
    try writer.write(elements, after: leading)
  }

  mutating func end() throws { try writer.end() }
}
