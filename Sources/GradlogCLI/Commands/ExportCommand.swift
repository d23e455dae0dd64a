internal import ArgumentParser
internal import GradlogAnalysis

/// Writes a part of a recording as rows: `gradlog export`.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Take a recording away as rows, CSV unless told otherwise.",
    discussion: """
      CSV is as RFC 4180 describes it, numbers in the fewest digits that read back exactly. NULL is \
      an empty field, an empty text is "". NaN is nan, the infinities are 1e999 and -1e999, which \
      pandas, DuckDB and Python read as such. A text that begins with = + - @ gets an apostrophe in \
      front, so that no spreadsheet takes it for a formula.

      statistics has a row for each gradient, values one for each element with its row-major index, \
      batches and weights one for each of these.
      """)

  @Option(
    help: ArgumentHelp(
      "What: statistics, values, batches or weights.",
      valueName: "what"))
  var what: ExportKind = .statistics

  @OptionGroup var database: FileOption
  @OptionGroup var filters: FilterOptions
  @OptionGroup var options: OutputOptions

  func validate() throws {
    if what == .weights, filters.epoch != nil {
      throw ValidationError("Weights have no epoch; leave out --epoch.")
    }
    if what == .batches, filters.weight != nil {
      throw ValidationError("Batches have no weight; leave out --weight.")
    }
  }

  func run() throws {
    let recording = try database.open()
    let nothing = "There are no \(what.rawValue) to export in '\(recording.path)'."
    try options.write(otherwise: nothing, as: .csv) { writer in
      try recording.export(what, filter: filters.filter, to: &writer)
    }
  }
}
