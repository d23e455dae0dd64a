internal import Gradlog

/// Whether the zero rows and zero columns of one gradient can be, and are those of its values.
struct ZeroSliceCheck {
  let rows: CellValue
  let columns: CellValue
  let shape: [Int]
  let elementCount: Int

  /// What is wrong with them beside a count of zeros; nil when nothing is.
  func problem(zeroCount: CellValue) -> String? {
    // A recorder of an older format did not count them.
    if rows == .null, columns == .null { return nil }
    guard let height = shape.first, let width = shape.last else {
      return "\(spelled), of a scalar"
    }
    guard fits(rows, height, zeroCount), fits(columns, width, zeroCount) else {
      return "\(spelled), of shape \(shape) with \(DisplayText.cell(zeroCount)) zeros"
    }
    return nil
  }

  /// How they differ from what the values give; nil when they do not.
  func problem(actual: GradientStatistics) -> String? {
    guard rows != .null || columns != .null,
      rows.integer != actual.zeroRows.map(Int64.init)
        || columns.integer != actual.zeroColumns.map(Int64.init)
    else { return nil }
    func text(_ count: Int?) -> String { count.map(String.init) ?? "NULL" }
    return "\(spelled), the values give \(text(actual.zeroRows)) and \(text(actual.zeroColumns))"
  }

  /// Whether so many slices out of an extent are no more than the zeros make.
  private func fits(_ count: CellValue, _ extent: Int, _ zeroCount: CellValue) -> Bool {
    guard let count = count.integer, count >= 0, count <= extent, let zeros = zeroCount.integer
    else { return false }
    guard count > 0 else { return true }
    return elementCount > 0 && count <= zeros / Int64(elementCount / extent)
  }

  private var spelled: String {
    "zero_rows is \(DisplayText.cell(rows)) and zero_columns \(DisplayText.cell(columns))"
  }
}
