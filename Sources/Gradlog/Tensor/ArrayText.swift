/// An array as numpy's `str()` prints it.
///
///     [[ 0.5 -1. ]
///      [ 2.   0. ]]
///
/// At most 8 digits after the point, the fewest that read back exactly; lines of 75 characters; above
/// 1000 elements only the first and last three of each axis, with `...` between. Source: numpy 2,
/// `numpy/_core/arrayprint.py`.
public enum ArrayText {
  /// Above this many elements the middle of each axis is left out.
  private static let summaryThreshold = 1000

  /// How many elements a shortened axis shows at either end.
  private static let edge = 3

  private static let lineWidth = 75

  /// Describes an array.
  ///
  /// - Parameters:
  ///   - values: row by row.
  ///   - shape: the length of each axis; empty for a single number.
  ///   - showsAll: whether an array of more than 1000 elements is shown whole.
  /// - Returns: lines without a line feed at the end.
  /// - Throws: `invalidTensor` when there are not as many values as the shape says.
  public static func describe<Values: RandomAccessCollection>(
    _ values: Values, shape: [Int], showsAll: Bool = false
  ) throws(GradlogError) -> String
  where Values.Element: BinaryFloatingPoint & LosslessStringConvertible {
    guard try TensorView.elementCount(of: shape) == values.count else {
      throw GradlogError(
        .invalidTensor, "\(values.count) values cannot have shape \(shape)",
        remedy: "pass as many values as the product of the shape")
    }
    guard let first = values.first else { return "[]" }
    return shape.isEmpty ? scalar(first) : Layout(values, shape: shape, showsAll: showsAll).text
  }

  /// A single number: positional from 1e-4 to below 1e16 (of a Float, 1e6), with a digit after the point.
  private static func scalar<Value: BinaryFloatingPoint & LosslessStringConvertible>(
    _ value: Value
  ) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    let digits = DecimalDigits(shortest: value)
    // In Double, where the Float nearest to 1e-4 lies below 1e-4, as numpy compares.
    let magnitude = Double(value.magnitude)
    let limit = Value.self == Float.self ? 1e6 : 1e16
    if value == 0 || (magnitude >= 1e-4 && magnitude < limit) {
      return "\(digits.wholePart).\(digits.fraction.isEmpty ? "0" : digits.fraction)"
    }
    let fraction = digits.trailingDigits
    return digits.leadingDigit + (fraction.isEmpty ? "" : ".\(fraction)") + digits.exponentSuffix
  }

  /// The lines of one array.
  private struct Layout<Values: RandomAccessCollection>
  where Values.Element: BinaryFloatingPoint & LosslessStringConvertible {
    let values: Values
    let shape: [Int]
    let isSummary: Bool
    var column: NumberColumn

    init(_ values: Values, shape: [Int], showsAll: Bool) {
      self.values = values
      self.shape = shape
      isSummary = !showsAll && values.count > summaryThreshold
      column = NumberColumn([Values.Element]())
      var shown: [Values.Element] = []
      collect(axis: 0, offset: 0, into: &shown)
      column = NumberColumn(shown)
    }

    var text: String {
      block(axis: 0, offset: 0, indent: " ", width: lineWidth)
    }

    private func element(_ offset: Int) -> Values.Element {
      values[values.index(values.startIndex, offsetBy: offset)]
    }

    /// The positions shown along an axis; nil stands for `...`.
    private func positions(axis: Int) -> [Int?] {
      let length = shape[axis]
      guard isSummary, length > 2 * edge else { return Array(0..<length) }
      return Array(0..<edge) + [nil] + Array(length - edge..<length)
    }

    /// Gathers the numbers that will be shown: only they decide the format.
    private func collect(axis: Int, offset: Int, into shown: inout [Values.Element]) {
      guard axis < shape.count else {
        shown.append(element(offset))
        return
      }
      for case let position? in positions(axis: axis) {
        collect(axis: axis + 1, offset: offset * shape[axis] + position, into: &shown)
      }
    }

    /// One pair of brackets; `indent` starts each further line, `width` is what a line may hold.
    private func block(axis: Int, offset: Int, indent: String, width: Int) -> String {
      let offsets = positions(axis: axis).map { $0.map { offset * shape[axis] + $0 } }
      if axis == shape.count - 1 {
        return "[\(row(offsets, indent: indent, width: width - 1))]"
      }
      let separator = String(repeating: "\n", count: shape.count - 1 - axis) + indent
      let blocks = offsets.map { offset in
        offset.map { block(axis: axis + 1, offset: $0, indent: indent + " ", width: width - 1) }
          ?? "..."
      }
      return "[\(blocks.joined(separator: separator))]"
    }

    /// Numbers side by side, broken into lines.
    private func row(_ offsets: [Int?], indent: String, width: Int) -> String {
      var lines: [String] = []
      var line = ""
      var length = indent.utf8.count
      for offset in offsets {
        let word = offset.map { column.text(element($0)) } ?? "..."
        // A line that holds nothing yet is not broken: it would not help.
        if length + word.utf8.count > width, length > indent.utf8.count {
          lines.append(trimmed(line))
          line = ""
          length = indent.utf8.count
        }
        line += word + " "
        length += word.utf8.count + 1
      }
      line.removeLast()
      return (lines + [line]).joined(separator: "\n\(indent)")
    }

    private func trimmed(_ line: String) -> String {
      var line = line
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
