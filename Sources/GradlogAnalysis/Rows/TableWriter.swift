/// Writes rows as aligned columns for a person.
///
/// Widths are measured over the first rows; the rest streams through with those widths, so memory
/// stays constant. Nothing at all is written when there is no row.
struct TableWriter: RowWriter {
  private static let measuredRows = 500

  private let output: ByteOutput
  private let isStyled: Bool
  private var columns: [String] = []
  private var waiting: [[CellValue]] = []
  private var layout: TableLayout?

  /// Makes a writer to `output` that may set headings in bold by an ANSI sequence.
  init(to output: ByteOutput, isStyled: Bool = false) {
    self.output = output
    self.isStyled = isStyled
  }

  mutating func begin(columns: [String]) throws {
    self.columns = columns.map { DisplayText.shortened(DisplayText.printable($0), to: 80) }
  }

  mutating func write(_ row: [CellValue]) throws {
    if let layout {
      append(row, layout)
    } else {
      waiting.append(row)
      if waiting.count == Self.measuredRows { startWriting() }
    }
    try output.flushIfFull()
  }

  mutating func end() throws {
    if layout == nil, !waiting.isEmpty { startWriting() }
    try output.flush()
  }

  private mutating func startWriting() {
    let layout = TableLayout(columns, waiting)
    self.layout = layout
    let heading = layout.line(columns, padding: " ")
    output.append(isStyled ? "\u{1B}[1m\(heading)\u{1B}[0m\n" : "\(heading)\n")
    for row in waiting { append(row, layout) }
    waiting = []
  }

  private func append(_ row: [CellValue], _ layout: TableLayout) {
    output.append(layout.line(row.map(DisplayText.cell), padding: " "))
    output.append(UInt8(ascii: "\n"))
  }
}

/// Widths and sides of the columns of a table.
struct TableLayout {
  /// Whether the column holds numbers and nothing else, and so is set flush right.
  let isNumeric: [Bool]
  private let widths: [Int]

  init(_ columns: [String], _ rows: [[CellValue]]) {
    isNumeric = columns.indices.map { index in
      let values = rows.map { $0[index] }.filter { $0 != .null }
      return !values.isEmpty && values.allSatisfy { $0.real != nil }
    }
    widths = columns.indices.map { index in
      rows.reduce(DisplayText.width(columns[index])) {
        max($0, DisplayText.width(DisplayText.cell($1[index])))
      }
    }
  }

  /// One line of cells, two blanks apart, with none at its end.
  func line(_ cells: [String], padding: Character) -> String {
    var line = ""
    for index in cells.indices {
      if index > 0 { line += "  " }
      let gap = max(0, widths[index] - DisplayText.width(cells[index]))
      let blanks = String(repeating: padding, count: gap)
      if isNumeric[index] { line += blanks }
      line += cells[index]
      if !isNumeric[index] { line += blanks }
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}
