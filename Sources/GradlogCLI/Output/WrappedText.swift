/// Text in lines of 80 columns.
enum WrappedText {
  /// The words in lines, the first set in by `indentation` blanks and the others by `hanging`, which is the
  /// same when it is nil.
  static func lines(_ text: String, indentation: Int = 0, hanging: Int? = nil) -> [String] {
    var lines: [String] = []
    var line = String(repeating: " ", count: indentation)
    var isEmpty = true
    for word in text.split(whereSeparator: \.isWhitespace) {
      if !isEmpty, line.count + 1 + word.count > 80 {
        lines.append(line)
        line = String(repeating: " ", count: hanging ?? indentation)
        isEmpty = true
      }
      line += isEmpty ? word : " " + word
      isEmpty = false
    }
    return lines + [line]
  }
}
