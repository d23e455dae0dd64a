internal import GradlogAnalysis

/// What `gradlog query --describe` says of a question, in lines of 80 columns.
struct QuestionText {
  let text: String

  init(_ query: CannedQuery) {
    var lines = ["\(query.name): \(query.title)", ""]
    lines += WrappedText.lines(query.explanation)
    if !query.parameters.isEmpty { lines += ["", "Parameters:"] }
    for parameter in query.parameters {
      let type = "\(parameter.type), default \(parameter.default)"
      lines += WrappedText.lines(
        "\(parameter.name) (\(type)): \(parameter.meaning)", indentation: 2, hanging: 4)
    }
    if !query.columns.isEmpty { lines += ["", "Columns:"] }
    for column in query.columns {
      let type = column.unit.isEmpty ? column.type : "\(column.type), \(column.unit)"
      lines += WrappedText.lines(
        "\(column.name) (\(type)): \(column.meaning)", indentation: 2, hanging: 4)
    }
    text = lines.map { $0 + "\n" }.joined()
  }
}
