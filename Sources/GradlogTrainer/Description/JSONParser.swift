internal import Gradlog

/// Reads JSON (RFC 8259), and NaN, Infinity and -Infinity as Python's json module writes them.
///
/// Foundation's decoder says of a misplaced comma only that the data are not JSON, without the line; and
/// it has no NaN between "no extensions" and all of JSON5.
struct JSONParser {
  private let bytes: [UInt8]
  private var position = 0

  /// Deeper nesting than any description has; beyond it a file is hostile.
  private static let deepest = 64

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Reads a text that holds one value.
  ///
  /// - Parameter bytes: UTF-8.
  /// - Returns: the value.
  /// - Throws: `invalidData` with line and column of the first byte that cannot be.
  static func parse(_ bytes: [UInt8]) throws(GradlogError) -> JSONValue {
    var parser = JSONParser(bytes)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.next == nil else { throw parser.failure("the end") }
    return value
  }

  private var next: UInt8? {
    position < bytes.count ? bytes[position] : nil
  }

  /// An error that tells what was found here instead of `expected`.
  private func failure(_ expected: String) -> GradlogError {
    let before = bytes[..<min(position, bytes.count)]
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let column = before.count - ((before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1) + 1
    let character = String(decoding: bytes[before.endIndex...], as: UTF8.self).first
    let found = character.map { "\"\($0)\"" } ?? "the end of the text"
    return GradlogError(
      .invalidData, "the JSON has \(found) at line \(line), column \(column)",
      remedy: "write \(expected) there")
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  /// Steps over a byte when it comes next.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func take(_ word: String, as value: JSONValue) -> JSONValue? {
    guard bytes[position...].starts(with: word.utf8) else { return nil }
    position += word.utf8.count
    return value
  }

  private mutating func value(depth: Int) throws(GradlogError) -> JSONValue {
    skipSpace()
    guard depth <= Self.deepest else { throw failure("no more than \(Self.deepest) levels") }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    default: break
    }
    let words: [(String, JSONValue)] = [
      ("null", .null), ("true", .boolean(true)), ("false", .boolean(false)),
      ("NaN", .number(.nan)), ("Infinity", .number(.infinity)), ("-Infinity", .number(-.infinity)),
    ]
    if let byte = next, byte == UInt8(ascii: "-") || isDigit(byte), !isInfinity {
      return try number()
    }
    for (word, value) in words {
      if let value = take(word, as: value) { return value }
    }
    throw failure("a value")
  }

  private var isInfinity: Bool {
    bytes[position...].starts(with: "-I".utf8)
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private mutating func number() throws(GradlogError) -> JSONValue {
    let start = position
    while let byte = next, isDigit(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
    guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      position = start
      throw failure("a number such as -1.5e3")
    }
    return .number(number)
  }

  private mutating func array(depth: Int) throws(GradlogError) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw failure("\",\" or \"]\"") }
    }
  }

  private mutating func object(depth: Int) throws(GradlogError) -> JSONValue {
    position += 1
    var members: [String: JSONValue] = [:]
    skipSpace()
    if take("}") { return .object(members) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw failure("a key in double quotes") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw failure("\":\"") }
      members[key] = try value(depth: depth + 1)
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw failure("\",\" or \"}\"") }
    }
  }

  private mutating func string() throws(GradlogError) -> String {
    position += 1
    var content: [UInt8] = []
    while let byte = next {
      if take("\"") { return String(decoding: content, as: UTF8.self) }
      guard byte >= 0x20 else { throw failure("an escape for a control character") }
      if take("\\") {
        content.append(contentsOf: Array("\(try escapedCharacter())".utf8))
      } else {
        content.append(byte)
        position += 1
      }
    }
    throw failure("a closing quote")
  }

  private mutating func escapedCharacter() throws(GradlogError) -> Unicode.Scalar {
    let escapes: [(Unicode.Scalar, Unicode.Scalar)] = [
      ("\"", "\""), ("\\", "\\"), ("/", "/"), ("b", "\u{8}"), ("f", "\u{C}"), ("n", "\n"),
      ("r", "\r"), ("t", "\t"),
    ]
    for (letter, scalar) in escapes where take(letter) { return scalar }
    guard take("u") else { throw failure("an escape such as \\n") }
    var code = try hexadecimal()
    // Two surrogates make one character (RFC 8259, section 7).
    if (0xD800..<0xDC00).contains(code), take("\\"), take("u") {
      code = 0x10000 + (code - 0xD800) << 10 + (try hexadecimal() & 0x3FF)
    }
    return Unicode.Scalar(code) ?? "\u{FFFD}"
  }

  private mutating func hexadecimal() throws(GradlogError) -> UInt32 {
    let end = position + 4
    guard end <= bytes.count,
      let code = UInt32(String(decoding: bytes[position..<end], as: UTF8.self), radix: 16)
    else { throw failure("four hexadecimal digits") }
    position = end
    return code
  }
}
