internal import GradlogAnalysis

/// What `gradlog query --describe` says of a question, in lines of 80 columns.
struct QuestionText {
  let text: String

  init(_ query: CannedQuery) {
    var lines = ["\(query.name): \(query.title)", ""]
    lines += Self.wrapped(query.explanation, indentation: 0)
    if !query.parameters.isEmpty { lines += ["", "Parameters:"] }
    for parameter in query.parameters {
      let type = "\(parameter.type), default \(parameter.default)"
      lines += Self.wrapped("\(parameter.name) (\(type)): \(parameter.meaning)", indentation: 2)
    }
    if !query.columns.isEmpty { lines += ["", "Columns:"] }
    for column in query.columns {
      let type = column.unit.isEmpty ? column.type : "\(column.type), \(column.unit)"
      lines += Self.wrapped("\(column.name) (\(type)): \(column.meaning)", indentation: 2)
    }
    text = lines.map { $0 + "\n" }.joined()
  }

  /// The words in lines, all but the first of which are set in by two more blanks when there is an
  /// indentation.
  private static func wrapped(_ text: String, indentation: Int) -> [String] {
    var lines: [String] = []
    var line = String(repeating: " ", count: indentation)
    var isEmpty = true
    for word in text.split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > 80 {
        lines.append(line)
        line = String(repeating: " ", count: indentation * 2)
        isEmpty = true
      }
      line += isEmpty ? word : " " + word
      isEmpty = false
    }
    return lines + [line]
  }
}
