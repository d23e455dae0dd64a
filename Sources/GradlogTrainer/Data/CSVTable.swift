internal import Gradlog

/// The cells of a CSV file: the features as numbers, the target as text.
struct CSVTable {
  let featureNames: [String]

  /// Row by row, a value for each feature name.
  private(set) var features: [Float] = []

  /// One for each row.
  private(set) var targetCells: [TargetColumn.Cell] = []

  /// Reads a whole file; see ``TabularData``.
  init(_ csv: [UInt8], target: String) throws(GradlogError) {
    var reader = CSVReader(csv)
    guard let header = try reader.next() else {
      throw GradlogError(
        .invalidData, "the CSV file is empty", remedy: "begin it with a line of column names")
    }
    let columns = header.cells.map(Self.trimmed)
    let targetIndex = try Self.position(of: target, in: columns)
    var names = columns
    names.remove(at: targetIndex)
    featureNames = names
    guard !names.isEmpty else {
      throw GradlogError(
        .invalidData, "\"\(target)\" is the only column", remedy: "add columns to predict it from")
    }
    while let record = try reader.next() {
      try append(record, columns: columns, targetIndex: targetIndex)
    }
    guard !targetCells.isEmpty else {
      throw GradlogError(
        .invalidData, "the CSV file has column names and no rows", remedy: "add rows below them")
    }
  }

  private static func position(
    of target: String, in columns: [String]
  ) throws(GradlogError) -> Int {
    var seen: Set<String> = []
    for name in columns where !seen.insert(name).inserted {
      throw GradlogError(
        .invalidData, "line 1: two columns are called \"\(name)\"", remedy: "rename one of them")
    }
    guard let index = columns.firstIndex(of: target) else {
      throw GradlogError(
        .notFound, "there is no column \"\(target)\"",
        remedy: NearestName.remedy(for: target, among: columns, kind: "columns"))
    }
    return index
  }

  private mutating func append(
    _ record: CSVRecord, columns: [String], targetIndex: Int
  ) throws(GradlogError) {
    let cells = record.cells
    if cells.count < columns.count {
      throw GradlogError(
        .invalidData,
        "line \(record.line): the row ends after \(cells.count) of \(columns.count) cells, before column \"\(columns[cells.count])\"",
        remedy: "add the missing cells")
    }
    if cells.count > columns.count {
      throw GradlogError(
        .invalidData,
        "line \(record.line): the row has \(cells.count) cells for \(columns.count) columns; \"\(cells[columns.count])\" is one too many",
        remedy: "remove it, or put quotes around a cell with a comma")
    }
    for (index, cell) in cells.enumerated() {
      let text = Self.trimmed(cell)
      let place = "line \(record.line), column \"\(columns[index])\""
      if text.isEmpty {
        throw GradlogError(
          .invalidData, "\(place): the cell is empty", remedy: "fill it in or remove the row")
      }
      if index == targetIndex {
        targetCells.append(TargetColumn.Cell(text: text, line: record.line))
      } else {
        features.append(try Self.number(text, place: place))
      }
    }
  }

  private static func number(_ text: String, place: String) throws(GradlogError) -> Float {
    guard let number = Float(text), number.isFinite else {
      throw GradlogError(
        .invalidData, "\(place): \"\(text)\" is not a number",
        remedy: "write a finite number such as -1.5 or 2e3, or leave the column out")
    }
    return number
  }

  private static func trimmed(_ cell: String) -> String {
    let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    guard cell.utf8.first.map(isBlank) == true || cell.utf8.last.map(isBlank) == true else {
      return cell
    }
    var text = Substring(cell)
    while let first = text.utf8.first, isBlank(first) { text.removeFirst() }
    while let last = text.utf8.last, isBlank(last) { text.removeLast() }
    return String(text)
  }
}
