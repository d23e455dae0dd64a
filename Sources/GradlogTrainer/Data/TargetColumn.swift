internal import Gradlog

/// The column to predict, before it is known whether it holds numbers or classes.
struct TargetColumn {
  /// One cell and where it stands.
  struct Cell {
    let text: String
    let line: Int

    /// What it is as a finite number; nil when it is none.
    var number: Double? {
      guard let number = Double(text), number.isFinite else { return nil }
      return number
    }
  }

  private let cells: [Cell]

  /// The different labels: numbers in their order when all are numbers, otherwise texts in theirs.
  let labels: [String]

  /// Whether classes are more likely than numbers; the rule stands at ``TabularData``.
  let isClassification: Bool

  private static let mostClasses = 20

  init(_ cells: [Cell]) {
    self.cells = cells
    var numbers: [String: Double] = [:]
    var texts: Set<String> = []
    for cell in cells where texts.insert(cell.text).inserted { numbers[cell.text] = cell.number }
    let isNumeric = numbers.count == texts.count
    labels = texts.sorted { first, second in
      if isNumeric, let one = numbers[first], let other = numbers[second], one != other {
        return one < other
      }
      return first < second
    }
    // Among words one number may be a class; among numbers a word is a mistake, to be told.
    let numericCells = cells.count { numbers[$0.text] != nil }
    let isWhole = isNumeric && numbers.values.allSatisfy { $0 == $0.rounded() }
    let isFew = (2...Self.mostClasses).contains(texts.count) && 2 * texts.count <= cells.count
    isClassification = isNumeric ? isWhole && isFew : numericCells * 2 < cells.count
  }

  /// The position of each cell among the labels.
  ///
  /// - Throws: `invalidData` when there is one class only.
  func classes(_ labels: [String], name: String) throws(GradlogError) -> [Float] {
    guard labels.count >= 2 else {
      throw GradlogError(
        .invalidData, "every row has \"\(labels.first ?? "")\" in column \"\(name)\"",
        remedy: "bring rows of two classes at least")
    }
    var positions: [String: Float] = [:]
    for (position, label) in labels.enumerated() { positions[label] = Float(position) }
    return cells.map { positions[$0.text] ?? 0 }
  }

  /// Each cell as a number.
  ///
  /// - Throws: `invalidData` with line, column and cell where one is none.
  func numbers(name: String) throws(GradlogError) -> [Float] {
    var numbers: [Float] = []
    numbers.reserveCapacity(cells.count)
    for cell in cells {
      guard let number = cell.number else {
        throw GradlogError(
          .invalidData, "line \(cell.line), column \"\(name)\": \"\(cell.text)\" is not a number",
          remedy:
            "write a finite number, or choose a crossentropy as the loss to treat it as a class")
      }
      numbers.append(Float(number))
    }
    return numbers
  }
}
