internal import Gradlog

/// One record of a CSV file.
struct CSVRecord: Equatable {
  /// The line on which it starts; the first is 1.
  let line: Int

  /// Its cells, unquoted.
  let cells: [String]
}

/// Reads the records of RFC 4180: quoted cells with doubled quotes, commas and line feeds in them; lines
/// that end in LF, CRLF or CR; a byte order mark.
///
/// The package SwiftCSV was not taken: it ends the process at a letter behind a closing quote, fills
/// short rows and drops what is too many without a word, and does not tell lines.
struct CSVReader {
  private let bytes: [UInt8]
  private var position: Int
  private var line = 1

  private static let quote = UInt8(ascii: "\"")
  private static let comma = UInt8(ascii: ",")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  /// Starts at the beginning of a file.
  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// The next record, blank lines left out; nil at the end.
  ///
  /// - Throws: `invalidData` for a quote that is not closed or a letter behind a closing one.
  mutating func next() throws(GradlogError) -> CSVRecord? {
    while position < bytes.count, isLineEnd(bytes[position]) { skipLineEnd() }
    guard position < bytes.count else { return nil }
    let start = line
    var cells: [String] = []
    while true {
      cells.append(try cell())
      guard position < bytes.count, bytes[position] == Self.comma else { break }
      position += 1
    }
    if position < bytes.count { skipLineEnd() }
    return CSVRecord(line: start, cells: cells)
  }

  private func isLineEnd(_ byte: UInt8) -> Bool {
    byte == Self.lineFeed || byte == Self.carriageReturn
  }

  private mutating func skipLineEnd() {
    let isPair =
      bytes[position] == Self.carriageReturn && position + 1 < bytes.count
      && bytes[position + 1] == Self.lineFeed
    position += isPair ? 2 : 1
    line += 1
  }

  private mutating func cell() throws(GradlogError) -> String {
    if position < bytes.count, bytes[position] == Self.quote { return try quotedCell() }
    let start = position
    while position < bytes.count, bytes[position] != Self.comma, !isLineEnd(bytes[position]) {
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func quotedCell() throws(GradlogError) -> String {
    let start = line
    var content: [UInt8] = []
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == Self.lineFeed { line += 1 }
      guard byte == Self.quote else {
        content.append(byte)
        continue
      }
      guard position < bytes.count, bytes[position] == Self.quote else {
        try checkEndOfCell()
        return String(decoding: content, as: UTF8.self)
      }
      content.append(byte)
      position += 1
    }
    throw GradlogError(
      .invalidData, "line \(start): a quoted cell is never closed", remedy: "add the closing quote")
  }

  private func checkEndOfCell() throws(GradlogError) {
    guard position < bytes.count, bytes[position] != Self.comma, !isLineEnd(bytes[position]) else {
      return
    }
    let stray = String(decoding: bytes[position...position], as: UTF8.self)
    throw GradlogError(
      .invalidData, "line \(line): \"\(stray)\" stands behind a closing quote",
      remedy: "double the quotes inside a quoted cell")
  }
}
