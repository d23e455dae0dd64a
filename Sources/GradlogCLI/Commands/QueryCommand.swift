internal import ArgumentParser
internal import Foundation
internal import Gradlog
internal import GradlogAnalysis

/// Asks a question: `gradlog query`.
struct QueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query",
    abstract: "Ask a recording a question.",
    discussion: """
      A question is one SQL statement: one of those that 'gradlog query --list' shows, a file that \
      ends in .sql, or - for stdin. Its parameters are :run, :weight, :epoch_from, :epoch_to and \
      :limit, set by the options of the same name, and others, set by --set.

      An answer without rows is an answer: the exit code is 0.
      """)

  @Argument(help: ArgumentHelp("The question.", valueName: "name | file.sql | -"))
  var question: String?

  @Flag(help: "List the questions.")
  var list = false

  @Option(
    help: ArgumentHelp("Explain a question, its parameters and its columns.", valueName: "name"))
  var describe: String?

  @OptionGroup var database: FileOption
  @OptionGroup var filters: FilterOptions

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set a parameter of the question; may be repeated.", valueName: "name=value")
  )
  var settings: [String] = []

  @OptionGroup var options: OutputOptions

  func validate() throws {
    if list, describe != nil {
      throw ValidationError("--list and --describe are two questions; ask one.")
    }
    if question == nil, !list, describe == nil {
      throw ValidationError("Name a question; 'gradlog query --list' shows them.")
    }
    for setting in settings
    where !(setting.firstIndex(of: "=").map { $0 > setting.startIndex } ?? false) {
      throw ValidationError("--set '\(setting)' is not of the form name=value.")
    }
  }

  func run() throws {
    if list { return try listQuestions() }
    if let describe { return try explain(CannedQuery.named(describe)) }
    guard let question else { return }
    let query = try Self.read(question)
    let recording = try database.open()
    let values = try values(for: query)
    let nothing = "'\(query.name)' finds nothing in '\(recording.path)'."
    try options.write(otherwise: nothing) { writer in
      try recording.ask(
        query.sql, name: query.name, filter: filters.filter, settings: values, to: &writer)
    }
  }

  /// The values of --set, each of the type that the question's header declares.
  private func values(for query: CannedQuery) throws -> [String: CellValue] {
    var values: [String: CellValue] = [:]
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let (name, argument) = (String(parts[0]), String(parts[1]))
      guard values[name] == nil, filters.filter.parameters[name] == nil else {
        throw ValidationError("The parameter '\(name)' is set twice.")
      }
      let type = query.parameters.first { $0.name == name }?.type
      guard let value = CellValue(argument: argument, type: type) else {
        throw ValidationError("--set \(setting): '\(name)' is \(type ?? ""), write a number.")
      }
      values[name] = value
    }
    return values
  }

  /// The question that was asked for.
  private static func read(_ question: String) throws -> CannedQuery {
    if question == "-" {
      let sql = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
      return try CannedQuery(name: "stdin", sql: sql)
    }
    guard question.hasSuffix(".sql") else {
      return try CannedQuery.named(question)
    }
    guard let data = FileManager.default.contents(atPath: question) else {
      throw GradlogError(
        .notFound, "the question '\(question)' cannot be read",
        remedy: "check the path; the questions that are built in have no .sql at their end")
    }
    return try CannedQuery(name: question, sql: String(decoding: data, as: UTF8.self))
  }

  private func listQuestions() throws {
    try options.write(otherwise: "There is no question.", as: .table) { writer in
      try writer.begin(columns: ["name", "title"])
      for query in CannedQuery.all { try writer.write([.text(query.name), .text(query.title)]) }
      try writer.end()
      return CannedQuery.all.count
    }
  }

  private func explain(_ query: CannedQuery) throws {
    try Output.write(to: options.output) { output in
      output.append(QuestionText(query).text)
    }
  }
}
