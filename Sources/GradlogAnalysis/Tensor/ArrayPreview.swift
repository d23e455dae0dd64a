/// A tensor as numpy prints it: nested brackets, and only the first and last three of a dimension
/// that is long.
struct ArrayPreview {
  private static let edge = 3

  private let shape: [Int]
  private let isAbbreviated: Bool
  private let element: (Int) -> String

  /// - Parameters:
  ///   - shape: the dimensions; none for a scalar.
  ///   - showsAll: whether long dimensions are printed in full.
  ///   - element: the text of the element with a row-major index.
  init(shape: [Int], showsAll: Bool, element: @escaping (Int) -> String) {
    self.shape = shape
    self.element = element
    // numpy abbreviates arrays of more than 1,000 elements.
    isAbbreviated = !showsAll && shape.reduce(1, *) > 1_000
  }

  /// The lines of the text.
  var text: String {
    if shape.contains(0) { return "[]" }
    return shape.isEmpty ? element(0) : text(dimension: 0, from: 0)
  }

  private func text(dimension: Int, from start: Int) -> String {
    let length = shape[dimension]
    let isLast = dimension == shape.count - 1
    let stride = shape[(dimension + 1)...].reduce(1, *)
    let parts = shown(length).map { index in
      guard let index else { return "..." }
      return isLast
        ? element(start + index) : text(dimension: dimension + 1, from: start + index * stride)
    }
    let indentation = String(repeating: " ", count: dimension + 1)
    let blankLines = String(repeating: "\n", count: max(1, shape.count - dimension - 1))
    if isLast { return "[" + wrapped(parts, indentation) + "]" }
    return "[" + parts.joined(separator: blankLines + indentation) + "]"
  }

  private func shown(_ length: Int) -> [Int?] {
    guard isAbbreviated, length > 2 * Self.edge else { return (0..<length).map { $0 } }
    return (0..<Self.edge).map { $0 } + [nil] + (length - Self.edge..<length).map { $0 }
  }

  private func wrapped(_ parts: [String], _ indentation: String) -> String {
    let width = parts.map(\.count).max() ?? 0
    var lines: [String] = []
    var line = ""
    for part in parts {
      let padded = String(repeating: " ", count: part == "..." ? 0 : width - part.count) + part
      if !line.isEmpty, indentation.count + line.count + padded.count > 75 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? padded : " " + padded
    }
    return (lines + [line]).joined(separator: "\n" + indentation)
  }
}
