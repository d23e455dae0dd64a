internal import ArgumentParser
internal import Gradlog
internal import GradlogAnalysis

/// Says what is wrong with a training: `gradlog diagnose`.
struct DiagnoseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diagnose",
    abstract: "Say what is wrong with the trainings of a recording, where, and since when.",
    discussion: """
      Replays the detectors over what was recorded, the same that ran while it was. Each run gets a \
      verdict in a sentence; findings that follow from one cause are told together.

        gradlog diagnose runs.db
        gradlog diagnose runs.db --run baseline --format json
        gradlog diagnose --explain exploding

      The exit code is 2 when any run is sick, which is when a finding is critical, and 0 when none is.
      """)

  @Argument(help: "The recordings; one of them may be given by --db.")
  var files: [String] = []

  @OptionGroup var database: FileOption

  @Option(
    name: .customLong("run"), help: ArgumentHelp("Diagnose only this run.", valueName: "name"))
  var chosenRun: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Look only at this rule; can be given again.", valueName: "rule"))
  var rule: [String] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Change a threshold; may be repeated.", valueName: "name=value"))
  var settings: [String] = []

  @Option(
    help: ArgumentHelp(
      "Print formula, thresholds and sources of a rule.", valueName: "rule"))
  var explain: String?

  @OptionGroup var options: OutputOptions

  func validate() throws {
    if !files.isEmpty, database.path != nil {
      throw ValidationError("The recording is given twice; leave out the argument or --db.")
    }
    if explain != nil, !files.isEmpty {
      throw ValidationError("--explain needs no recording; leave that out.")
    }
    for setting in settings where Self.parts(of: setting) == nil {
      throw ValidationError("--set '\(setting)' is not of the form name=value.")
    }
  }

  func run() throws {
    let diagnosis = try diagnosisOptions()
    if let explain {
      let text = ExplanationText(RuleExplanation(try Rule.named(explain), options: diagnosis)).text
      return try Output.write(to: options.output) { $0.append(text) }
    }
    let recordings = try files.isEmpty ? [database.open()] : files.map { try database.open($0) }
    let diagnosed = try diagnose(recordings, diagnosis)
    try write(diagnosed, diagnosis)
    let isSick = diagnosed.contains { $0.diagnoses.contains { $0.verdict == .sick } }
    if isSick { throw ExitCode(2) }
  }

  private func diagnosisOptions() throws -> DiagnosisOptions {
    var diagnosis = DiagnosisOptions()
    diagnosis.run = chosenRun
    diagnosis.rules = Set(try rule.map(Rule.named))
    for setting in settings {
      guard let (name, value) = Self.parts(of: setting) else { continue }
      guard let number = Double(value) else {
        throw ValidationError("--set \(setting): '\(name)' is a number.")
      }
      try diagnosis.set(name, to: number)
    }
    return diagnosis
  }

  private static func parts(of setting: String) -> (name: String, value: String)? {
    let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty ? (String(parts[0]), String(parts[1])) : nil
  }

  /// The run that is asked for need be in one of the files only.
  private func diagnose(
    _ recordings: [Recording], _ diagnosis: DiagnosisOptions
  ) throws -> [(path: String, diagnoses: [Diagnosis])] {
    let line = StatusLine(announcing: recordings.reduce(0) { $0 + $1.sizeInBytes })
    defer { line.clear() }
    var missing: GradlogError?
    var diagnosed: [(path: String, diagnoses: [Diagnosis])] = []
    for recording in recordings {
      line.show { "reading \(recording.path)" }
      do {
        diagnosed.append((recording.path, try recording.diagnose(diagnosis)))
      } catch let error as GradlogError where error.code == .notFound && chosenRun != nil {
        missing = missing ?? error
      }
    }
    if let missing, diagnosed.isEmpty { throw missing }
    return diagnosed
  }

  private func write(
    _ diagnosed: [(path: String, diagnoses: [Diagnosis])], _ diagnosis: DiagnosisOptions
  ) throws {
    let isReport = options.format == .table || options.format == nil && options.isForReading
    try Output.write(to: options.output) { output in
      if isReport {
        let isStyled = options.output == nil && Output.isStyled
        output.append(DiagnosisText(diagnosed, diagnosis, isStyled: isStyled).text)
      } else if options.format == .json {
        try DiagnosisRows.writeJSON(diagnosed, to: output)
      } else {
        var writer = (options.format ?? .csv).writer(to: output)
        try writer.begin(columns: DiagnosisRows.columns)
        for file in diagnosed {
          _ = try DiagnosisRows.write(file.diagnoses, of: file.path, to: &writer)
        }
        try writer.end()
      }
    }
    if !isReport { Talk.say(DiagnosisText.summary(of: diagnosed.flatMap(\.diagnoses))) }
  }
}
