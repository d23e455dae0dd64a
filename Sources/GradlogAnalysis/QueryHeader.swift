internal import Gradlog

/// What the comments before the SQL of a query say, in the form of `queries/README.md`.
struct QueryHeader {
  var title = ""
  var explanation = ""
  var parameters: [CannedQuery.Parameter] = []
  var columns: [CannedQuery.Column] = []

  /// The keyword and the text of one declaration, continuation lines joined.
  private struct Entry {
    let keyword: Substring
    var text: String
  }

  /// Reads the header of `sql`; a text without one gives an empty header.
  init(of sql: String, named name: String) throws(GradlogError) {
    for entry in Self.entries(of: sql) {
      switch entry.keyword {
      case "title:": title = entry.text
      case "explanation:": explanation = entry.text
      case "parameter": parameters.append(try Self.parameter(entry.text, in: name))
      default: columns.append(try Self.column(entry.text, in: name))
      }
    }
  }

  /// Collects the declarations; other comments belong to the writer of the query and are skipped.
  private static func entries(of sql: String) -> [Entry] {
    var entries: [Entry] = []
    var continues = false
    for line in sql.split(whereSeparator: \.isNewline) {
      guard line.hasPrefix("--") else { break }
      let comment = line.dropFirst(2)
      if comment.hasPrefix("   ") {
        if continues {
          entries[entries.count - 1].text += " " + trimmed(comment)
        }
        continue
      }
      let words = trimmed(comment).split(separator: " ", maxSplits: 1)
      let keywords = ["title:", "explanation:", "parameter", "column"]
      continues = words.count == 2 && keywords.contains(String(words[0]))
      // A sentence that happens to begin with one of the words is a comment, not a declaration.
      if continues, words[0] == "parameter" { continues = words[1].hasPrefix(":") }
      if continues, words[0] == "column" { continues = words[1].contains(": ") }
      if continues {
        entries.append(Entry(keyword: words[0], text: trimmed(words[1])))
      }
    }
    return entries
  }

  /// Reads `:name TYPE = DEFAULT: meaning`.
  private static func parameter(
    _ text: String, in query: String
  ) throws(GradlogError) -> CannedQuery.Parameter {
    let (declaration, meaning) = parted(text, at: ": ")
    let (left, defaultValue) = parted(declaration, at: " = ")
    let words = left.split(separator: " ")
    guard words.count == 2, !defaultValue.isEmpty, !meaning.isEmpty else {
      throw mistake(
        "parameter \(text)", in: query, form: "-- parameter :name TYPE = DEFAULT: meaning")
    }
    return CannedQuery.Parameter(
      name: String(words[0].dropFirst()), type: String(words[1]), default: defaultValue,
      meaning: meaning)
  }

  /// Reads `name TYPE (unit): meaning`, the unit being optional.
  private static func column(
    _ text: String, in query: String
  ) throws(GradlogError) -> CannedQuery.Column {
    let (declaration, meaning) = parted(text, at: ": ")
    let (left, unit) = parted(declaration, at: " (")
    let words = left.split(separator: " ")
    guard words.count == 2, unit.isEmpty || unit.hasSuffix(")"), !meaning.isEmpty else {
      throw mistake("column \(text)", in: query, form: "-- column name TYPE (unit): meaning")
    }
    return CannedQuery.Column(
      name: String(words[0]), type: String(words[1]),
      unit: String(unit.dropLast()), meaning: meaning)
  }

  private static func mistake(_ line: String, in query: String, form: String) -> GradlogError {
    GradlogError(
      .invalidData, "the header of query \(query) has a line that cannot be read: \"-- \(line)\"",
      remedy: "write it as \"\(form)\"")
  }

  /// The text before and after the first `separator`; nothing after when there is none.
  private static func parted(_ text: String, at separator: String) -> (String, String) {
    guard let range = text.firstRange(of: separator) else { return (text, "") }
    return (trimmed(text[..<range.lowerBound]), trimmed(text[range.upperBound...]))
  }

  private static func trimmed(_ text: Substring) -> String {
    let tail = text.drop(while: \.isWhitespace)
    return String(tail.reversed().drop(while: \.isWhitespace).reversed())
  }
}
