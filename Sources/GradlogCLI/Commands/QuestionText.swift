internal import GradlogAnalysis

/// What `gradlog query --describe` says of a question.
struct QuestionText {
  let text: String

  init(_ query: CannedQuery) {
    var text = "\(query.name): \(query.title)\n\n\(query.explanation)\n"
    if !query.parameters.isEmpty {
      text += "\nParameters:\n"
      for parameter in query.parameters {
        text += "  \(parameter.name) (\(parameter.type), default \(parameter.default)): "
        text += "\(parameter.meaning)\n"
      }
    }
    text += "\nColumns:\n"
    for column in query.columns {
      let unit = column.unit.isEmpty ? "" : ", \(column.unit)"
      text += "  \(column.name) (\(column.type)\(unit)): \(column.meaning)\n"
    }
    self.text = text
  }
}
