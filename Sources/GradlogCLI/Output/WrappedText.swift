internal import GradlogAnalysis

/// Text in lines of 80 columns.
enum WrappedText {
  /// The words in lines, the first set in by `indentation` blanks and the others by `hanging`, which is the
  /// same when it is nil.
  static func lines(_ text: String, indentation: Int = 0, hanging: Int? = nil) -> [String] {
    var lines: [String] = []
    var line = String(repeating: " ", count: indentation)
    var lineWidth = indentation
    var isEmpty = true
    for word in text.split(whereSeparator: \.isWhitespace) {
      let width = DisplayText.width(String(word))
      if !isEmpty, lineWidth + 1 + width > 80 {
        lines.append(line)
        lineWidth = hanging ?? indentation
        line = String(repeating: " ", count: lineWidth)
        isEmpty = true
      }
      line += isEmpty ? word : " " + word
      lineWidth += isEmpty ? width : 1 + width
      isEmpty = false
    }
    return lines + [line]
  }
}
