internal import Gradlog

/// Diagnoses as rows, one for each finding, and as JSON, one object for each run.
public enum DiagnosisRows {
  /// The columns of ``write(_:of:to:)``.
  public static let columns =
    ["file", "run", "rank", "verdict", "story"] + findingColumns

  private static let findingColumns = [
    "rule", "severity", "weight", "position", "optimizer", "first_step", "first_epoch",
    "first_batch",
    "last_step",
    "last_epoch", "last_batch", "batches", "value", "baseline", "threshold", "evidence", "advice",
    "cause",
  ]

  /// Writes the findings of the runs of a file, after ``RowWriter/begin(columns:)`` with ``columns``.
  ///
  /// - Returns: how many there were.
  public static func write(
    _ diagnoses: [Diagnosis], of path: String, to writer: inout some RowWriter
  ) throws -> Int {
    var count = 0
    for diagnosis in diagnoses {
      for (number, story) in diagnosis.stories.enumerated() {
        for (place, finding) in story.findings.enumerated() {
          let leading: [CellValue] = [
            .text(path), .text(diagnosis.run), .integer(Int64(diagnosis.rank)),
            .text(diagnosis.verdict.rawValue), .integer(Int64(number + 1)),
          ]
          let isCause = number == 0 && place == 0 && diagnosis.class != nil
          try writer.write(leading + cells(finding) + [.integer(isCause ? 1 : 0)])
          count += 1
        }
      }
    }
    return count
  }

  private static func cells(_ finding: DiagnosedFinding) -> [CellValue] {
    [
      .text(finding.rule.rawValue), .text(finding.severity.rawValue),
      finding.weight.map { .text($0) } ?? .null, integer(finding.position),
      .text(finding.optimizer),
      integer(finding.first.step), integer(finding.first.epoch), integer(finding.first.batch),
      integer(finding.last.step), integer(finding.last.epoch), integer(finding.last.batch),
      integer(finding.batches), finding.value.isNaN ? .null : .real(finding.value),
      finding.baseline.map { .real($0) } ?? .null, .real(finding.threshold),
      .text(finding.evidence), .text(finding.advice),
    ]
  }

  private static func integer(_ number: Int?) -> CellValue {
    number.map { .integer(Int64($0)) } ?? .null
  }

  /// Writes an array of one object for each run: what ``Diagnosis`` says, the findings in one array, of
  /// which the first is the cause.
  public static func writeJSON(
    _ files: [(path: String, diagnoses: [Diagnosis])], to output: ByteOutput
  ) throws {
    var separator = "[\n"
    for file in files {
      for diagnosis in file.diagnoses {
        output.append(separator)
        append(diagnosis, of: file.path, to: output)
        separator = ",\n"
        try output.flushIfFull()
      }
    }
    output.append(separator == "[\n" ? "[]\n" : "\n]\n")
  }

  private static func append(_ diagnosis: Diagnosis, of path: String, to output: ByteOutput) {
    append(
      ["file", "run", "rank", "verdict", "sentence", "class", "batches"],
      [
        .text(path), .text(diagnosis.run), .integer(Int64(diagnosis.rank)),
        .text(diagnosis.verdict.rawValue), .text(diagnosis.sentence),
        diagnosis.class.map { .text($0.rawValue) } ?? .null, .integer(Int64(diagnosis.batches)),
      ], to: output)
    output.append(",\"findings\":[" as StaticString)
    for (place, finding) in diagnosis.findings.enumerated() {
      output.append(place == 0 ? "\n  " : ",\n  ")
      append(findingColumns.dropLast(), cells(finding), to: output)
      output.append(",\"cause\":\(place == 0 && diagnosis.class != nil)}")
    }
    output.append("]}" as StaticString)
  }

  /// An object without its closing brace.
  private static func append(
    _ keys: some Sequence<String>, _ values: [CellValue], to output: ByteOutput
  ) {
    var separator = "{"
    for (key, value) in zip(keys, values) {
      output.append(separator + JSONText.quoted(key) + ":")
      JSONText.append(value, to: output)
      separator = ","
    }
  }
}
