internal import ArgumentParser
internal import GradlogAnalysis

/// Runs one SQL statement: `gradlog sql`.
struct SQLCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sql",
    abstract: "Run one SQL statement, reading only.",
    discussion: """
      The view gradients has one row for each gradient; docs/FileFormat.md describes its columns. \
      SQLite itself refuses a statement that would change the file.
      """)

  @Argument(help: ArgumentHelp("The statement.", valueName: "statement"))
  var statement: String

  @OptionGroup var database: FileOption
  @OptionGroup var options: OutputOptions

  func run() throws {
    let recording = try database.open()
    try options.write(otherwise: "The statement returns no row.") { writer in
      try recording.rows(of: statement, to: &writer)
    }
  }
}
