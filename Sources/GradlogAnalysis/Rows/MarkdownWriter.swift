/// Writes rows as a table that GitHub and most other Markdown programs show.
///
/// Columns whose first value is a number are set flush right. A bar in a text is escaped, a line
/// break becomes `<br>`.
struct MarkdownWriter: RowWriter {
  private let output: ByteOutput
  private var columns: [String] = []
  private var isFirst = true

  /// Makes a writer to `output`.
  init(to output: ByteOutput) {
    self.output = output
  }

  mutating func begin(columns: [String]) throws {
    self.columns = columns
  }

  mutating func write(_ row: [CellValue]) throws {
    if isFirst { writeHeading(row) }
    isFirst = false
    output.append("| \(row.map(cell).joined(separator: " | ")) |\n")
    try output.flushIfFull()
  }

  mutating func end() throws {
    if isFirst, !columns.isEmpty { writeHeading([]) }
    try output.flush()
  }

  private func writeHeading(_ row: [CellValue]) {
    output.append("| \(columns.map(escaped).joined(separator: " | ")) |\n")
    let rules = columns.indices.map { index in
      index < row.count && row[index].real != nil ? "---:" : "---"
    }
    output.append("| \(rules.joined(separator: " | ")) |\n")
  }

  private func cell(_ value: CellValue) -> String {
    if let text = value.text { return escaped(text) }
    return escaped(DisplayText.cell(value))
  }

  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "|", "\\", "`", "*", "[", "]": result += "\\" + String(scalar)
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      case "\n": result += "<br>"
      case "\r": break
      default: result += DisplayText.printable(String(scalar))
      }
    }
    return result
  }
}
