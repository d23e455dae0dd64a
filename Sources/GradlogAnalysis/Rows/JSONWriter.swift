internal import Foundation

/// Writes rows as JSON objects, valid whatever the file holds.
///
/// - Numbers are written in the fewest digits that read back exactly; integers in full.
/// - JSON has no infinities: they are the strings `"Infinity"` and `"-Infinity"`, NaN is `"NaN"`, as in
///   the JSON form of Protocol Buffers. Python's `float` and JavaScript's `Number` take them back.
/// - NULL is `null`; a blob is base64.
/// - Of several columns with one name the second is `name:1`, the third `name:2`.
struct JSONWriter: RowWriter {
  /// How the objects are put together.
  enum Layout: Sendable {
    /// One array, one object a line.
    case array
    /// One object a line and nothing else.
    case lines
  }

  private let output: ByteOutput
  private let layout: Layout
  private var keys: [[UInt8]] = []
  private var isFirst = true

  /// Makes a writer to `output`.
  init(to output: ByteOutput, layout: Layout) {
    self.output = output
    self.layout = layout
  }

  mutating func begin(columns: [String]) throws {
    var seen: Set<String> = []
    keys = columns.enumerated().map { index, name in
      var unique = name
      var copy = 0
      while !seen.insert(unique).inserted {
        copy += 1
        unique = "\(name):\(copy)"
      }
      let separator = index == 0 ? "{" : ","
      return Array((separator + JSONText.quoted(unique) + ":").utf8)
    }
    if layout == .array { output.append(UInt8(ascii: "[")) }
  }

  mutating func write(_ row: [CellValue]) throws {
    if layout == .array { output.append(isFirst ? "\n" : ",\n") }
    isFirst = false
    for index in row.indices {
      output.append(keys[index])
      JSONText.append(row[index], to: output)
    }
    output.append(row.isEmpty ? "{}" : "}")
    if layout == .lines { output.append(UInt8(ascii: "\n")) }
    try output.flushIfFull()
  }

  mutating func end() throws {
    if layout == .array { output.append(isFirst ? "]\n" : "\n]\n") }
    try output.flush()
  }
}

/// The parts of JSON that need care.
enum JSONText {
  /// Appends a value of any kind.
  static func append(_ value: CellValue, to output: ByteOutput) {
    switch value {
    case .null: output.append("null" as StaticString)
    case .integer(let integer): output.append(integer)
    case .real(let real): output.append(number(real))
    case .single(let single): output.append(number(single))
    case .half(let half): output.append(number(half))
    case .text(let text): output.append(quoted(text))
    case .blob(let bytes): output.append("\"\(Data(bytes).base64EncodedString())\"")
    }
  }

  /// A number, or the string that stands for one that JSON lacks.
  static func number(_ number: some BinaryFloatingPoint & LosslessStringConvertible) -> String {
    if number.isFinite { return number.description }
    if number.isNaN { return "\"NaN\"" }
    return number < 0 ? "\"-Infinity\"" : "\"Infinity\""
  }

  /// A string with its quotes.
  static func quoted(_ text: String) -> String {
    let needsCare = text.utf8.contains { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 == 0x7F }
    guard needsCare else { return "\"\(text)\"" }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
