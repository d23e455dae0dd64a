internal import ArgumentParser
internal import GradlogAnalysis

/// Checks a recording: `gradlog verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a recording is sound.",
    discussion: """
      Checks the pages of the file, what rows refer to, that each batch has its gradients, that \
      values have the size of their shape and type, and that the statistics are those of the values: \
      of all values, or of a part of them, always the same, that takes a few seconds.

      Each fault is a line that says where it is; --format gives them as rows instead, and the \
      summary on stderr. Nothing is changed.

      Exit codes: 0 when the recording is sound, 2 when it is not, 1 when it cannot be read.
      """)

  @Argument(help: "The recording; the same as --db.")
  var file: String?

  @OptionGroup var database: FileOption

  @Option(
    name: .customLong("run"), help: ArgumentHelp("Only the rows of this run.", valueName: "name"))
  var chosenRun: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The share of the values to compare with their statistics, 0 to 1.", valueName: "share"))
  var sample: Double?

  @Flag(help: "Compare all values with their statistics.")
  var all = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("At most so many faults are shown; all are counted.", valueName: "count"))
  var limit = 1000

  @OptionGroup var options: OutputOptions

  func validate() throws {
    if file != nil, database.path != nil {
      throw ValidationError("The recording is given twice; leave out the argument or --db.")
    }
    if let sample, !(0...1).contains(sample) {
      throw ValidationError("--sample is \(sample); give a share from 0 to 1.")
    }
    if all, sample != nil {
      throw ValidationError("--all and --sample exclude each other; leave one out.")
    }
    if limit < 0 {
      throw ValidationError("--limit is \(limit); give the number of faults, 0 or more.")
    }
  }

  func run() throws {
    let recording = try database.open(file)
    var verification = VerificationOptions()
    verification.run = chosenRun
    verification.share = all ? 1 : sample
    let summary =
      if let format = options.format {
        try writeRows(of: recording, verification, as: format)
      } else {
        try writeLines(of: recording, verification)
      }
    if summary.faults > 0 { throw ExitCode(2) }
  }

  /// One line a fault, then the summary.
  private func writeLines(
    of recording: Recording, _ verification: VerificationOptions
  ) throws -> VerificationSummary {
    try Output.write(to: options.output) { output in
      let summary = try verify(recording, verification) { fault in
        output.append("\(fault)\n")
        try output.flush()
      }
      output.append(VerificationText(summary, of: recording.path, shown: limit).line + "\n")
      return summary
    }
  }

  private func writeRows(
    of recording: Recording, _ verification: VerificationOptions, as format: RowFormat
  ) throws -> VerificationSummary {
    let summary = try Output.write(to: options.output) { output in
      let isStyled = options.output == nil && Output.isStyled
      var writer = format.writer(to: output, isTerminal: isStyled)
      try writer.begin(columns: Self.columns)
      let summary = try verify(recording, verification) { try writer.write(Self.row($0)) }
      try writer.end()
      return summary
    }
    Talk.say(VerificationText(summary, of: recording.path, shown: limit).line)
    return summary
  }

  /// Verifies, shows how far it is, and hands over as many faults as are to be shown.
  private func verify(
    _ recording: Recording, _ verification: VerificationOptions,
    _ show: @escaping (Fault) throws -> Void
  ) throws -> VerificationSummary {
    let line = StatusLine(announcing: recording.sizeInBytes)
    defer { line.clear() }
    var shown = 0
    return try recording.verify(verification) { stage in
      line.show { Self.text(stage) }
    } report: { fault in
      guard shown < limit else { return }
      shown += 1
      line.clear()
      try show(fault)
    }
  }

  private static func text(_ stage: VerificationStage) -> String {
    switch stage {
    case .pages: "checking the pages of the file"
    case .references: "checking what rows refer to"
    case .gradients(let share): "checking gradients: \(Int(min(max(share, 0), 1) * 100)) %"
    }
  }

  private static let columns = ["check", "run", "rank", "epoch", "batch", "weight", "problem"]

  private static func row(_ fault: Fault) -> [CellValue] {
    func text(_ text: String?) -> CellValue { text.map { .text($0) } ?? .null }
    func count(_ count: Int?) -> CellValue { count.map { .integer(Int64($0)) } ?? .null }
    let place = fault.place
    return [
      .text(fault.check.rawValue), text(place.run), count(place.rank), count(place.epoch),
      count(place.batch), text(place.weight), .text(fault.problem),
    ]
  }
}

/// What a verification says at its end.
struct VerificationText {
  let line: String

  init(_ summary: VerificationSummary, of path: String, shown: Int) {
    let faults =
      summary.faults == 0 ? "sound" : "not sound: \(Self.count(summary.faults, "fault"))"
    let hidden = summary.faults > shown ? ", of which \(shown) are shown" : ""
    let parts = [
      Self.count(summary.runs, "run"), Self.count(summary.batches, "batch", "batches"),
      Self.count(summary.gradients, "gradient"),
    ].joined(separator: ", ")
    line =
      "\(path) is \(faults)\(hidden); checked \(parts), "
      + "the statistics of \(summary.recomputed) of \(summary.gradientsWithValues) with values"
  }

  private static func count(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
  }
}
