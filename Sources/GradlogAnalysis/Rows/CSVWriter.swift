/// Writes rows as CSV by RFC 4180: a header, CRLF after each record, quotes doubled.
///
/// - Numbers are written in the fewest digits that read back exactly.
/// - NaN is `nan`; the infinities are `1e999` and `-1e999`, which every reader of numbers rounds to
///   infinity. pandas would read `inf` as well, but a column that begins with `inf` is a date or a
///   text to DuckDB, which knows infinite dates.
/// - NULL is an empty field, an empty text `""`. A NULL that is alone in its record is `""` as well,
///   since readers skip an empty line.
/// - A blob is SQLite's literal, `x'00ff'`, which nobody takes for a number.
/// - A text (or a column's name) that begins with `=`, `+`, `-`, `@`, tab or carriage return gets an apostrophe in front, so
///   that no spreadsheet runs it as a formula. Remove it with `ltrim(name, '''')` where it matters.
///   https://owasp.org/www-community/attacks/CSV_Injection
struct CSVWriter: RowWriter {
  private let output: ByteOutput
  private var formatting: ParallelFormatting?

  /// Makes a writer to `output`.
  init(to output: ByteOutput) {
    self.output = output
  }

  mutating func begin(columns: [String]) throws {
    // A statement that returns nothing, such as ATTACH, has no header either.
    guard !columns.isEmpty else { return }
    for (index, name) in columns.enumerated() {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      Self.append(name, to: output)
    }
    output.append("\r\n" as StaticString)
  }

  /// Blocks that come full are formatted on a second thread; a short answer needs none.
  mutating func write(_ rows: inout RowBlock) throws {
    guard rows.isFull || formatting != nil else {
      Self.append(rows, to: output)
      rows.removeAll()
      return
    }
    let formatting = formatting ?? ParallelFormatting(like: rows, format: Self.append)
    self.formatting = formatting
    try formatting.take(&rows, to: output)
  }

  /// Writes what was given in blocks, before anything that comes in another way.
  private func finishBlocks() throws {
    try formatting?.finish(to: output)
  }

  mutating func write(_ row: [CellValue]) throws {
    try finishBlocks()
    for index in row.indices {
      if index > 0 { output.append(UInt8(ascii: ",")) }
      if row.count == 1, row[index] == .null { output.append("\"\"" as StaticString) }
      append(row[index], to: output)
    }
    output.append("\r\n" as StaticString)
    try output.flushIfFull()
  }

  @inline(__always)
  private func append(_ value: CellValue, to output: ByteOutput) {
    switch value {
    case .null: break
    case .integer(let integer): output.append(integer)
    case .real(let real): Self.append(number: real, to: output)
    case .single(let single): Self.append(number: single, to: output)
    case .half(let half): Self.append(number: half, to: output)
    case .text(let text): Self.append(text, to: output)
    case .blob(let bytes): Self.append(blob: bytes, to: output)
    }
  }

  /// Writes what the rows have in common only once: this is what makes an export of millions of
  /// elements quick.
  mutating func write(_ elements: TensorElements, after leading: [CellValue]) throws {
    try finishBlocks()
    let common = ByteOutput { _ in }
    for value in leading {
      append(value, to: common)
      common.append(UInt8(ascii: ","))
    }
    let output = output
    try common.withBytes { common in
      var index = Int64(elements.firstIndex)
      func begin() {
        output.append(common)
        output.append(index)
        output.append(UInt8(ascii: ","))
        index += 1
      }
      func end() throws {
        output.append("\r\n" as StaticString)
        try output.flushIfFull()
      }
      try elements.forEach { number in
        begin()
        Self.append(number: number, to: output)
        try end()
      } single: { number in
        begin()
        Self.append(number: number, to: output)
        try end()
      } half: { number in
        begin()
        Self.append(number: number, to: output)
        try end()
      }
    }
  }

  mutating func end() throws {
    try finishBlocks()
    try output.flush()
  }

  /// Appends the rows of a block; on any thread.
  @Sendable
  private static func append(_ rows: RowBlock, to output: ByteOutput) {
    var walk = rows.walk
    var leading = 0..<0
    for _ in 0..<rows.rowCount {
      if rows.leadingCount > 0 {
        if walk.repeatsLeading() {
          output.append(again: leading)
        } else {
          let start = output.count
          for _ in 0..<rows.leadingCount {
            append(walk.next(), to: output)
            output.append(UInt8(ascii: ","))
          }
          leading = start..<output.count
        }
      }
      for column in rows.leadingCount..<rows.columnCount {
        if column > rows.leadingCount { output.append(UInt8(ascii: ",")) }
        let cell = walk.next()
        if case .null = cell, rows.columnCount == 1 { output.append("\"\"" as StaticString) }
        append(cell, to: output)
      }
      output.append("\r\n" as StaticString)
    }
  }

  @inline(__always)
  private static func append(_ cell: RowBlock.Cell, to output: ByteOutput) {
    switch cell {
    case .null: break
    case .integer(let integer): output.append(integer)
    case .real(let real): append(number: real, to: output)
    case .text(let bytes): append(text: bytes, to: output)
    case .blob(let bytes): append(blob: bytes, to: output)
    }
  }

  @inline(__always)
  private static func append(
    number: some BinaryFloatingPoint & TextOutputStreamable, to output: ByteOutput
  ) {
    if number.isInfinite {
      output.append(number < 0 ? "-1e999" : "1e999")
    } else {
      output.append(number)
    }
  }

  /// Appends one text field, quoted where RFC 4180 asks for it and defused as described above.
  static func append(_ text: String, to output: ByteOutput) {
    var text = text
    text.withUTF8 { append(utf8: UnsafeRawBufferPointer($0), to: output) }
  }

  /// The same for bytes of which those that are not UTF-8 become U+FFFD.
  private static func append(text bytes: UnsafeRawBufferPointer, to output: ByteOutput) {
    if bytes.reduce(0, |) < 0x80 {
      append(utf8: bytes, to: output)
    } else {
      append(String(decoding: bytes, as: UTF8.self), to: output)
    }
  }

  private static func append(utf8 bytes: UnsafeRawBufferPointer, to output: ByteOutput) {
    guard let first = bytes.first else { return output.append("\"\"" as StaticString) }
    let isFormula =
      switch first {
      case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 9, 13: true
      default: false
      }
    let isQuoted = bytes.contains { byte in
      byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 10 || byte == 13
    }
    if isQuoted { output.append(UInt8(ascii: "\"")) }
    if isFormula { output.append(UInt8(ascii: "'")) }
    if isQuoted {
      for byte in bytes {
        if byte == UInt8(ascii: "\"") { output.append(byte) }
        output.append(byte)
      }
      output.append(UInt8(ascii: "\""))
    } else {
      output.append(bytes)
    }
  }

  private static func append(blob bytes: some Collection<UInt8>, to output: ByteOutput) {
    let digits = Array("0123456789abcdef".utf8)
    output.append("x'" as StaticString)
    for byte in bytes {
      output.append(digits[Int(byte >> 4)])
      output.append(digits[Int(byte & 15)])
    }
    output.append(UInt8(ascii: "'"))
  }
}
