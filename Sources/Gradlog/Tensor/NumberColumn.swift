/// How numpy writes the numbers of one array: all positional or all scientific, aligned at the point.
///
/// Source: numpy 2, `numpy/_core/arrayprint.py`, `FloatingFormat` with `precision` 8 and
/// `floatmode` "maxprec".
struct NumberColumn {
  /// Digits after the point, at most.
  private static let precision = 8

  private let isScientific: Bool
  private var leftWidth = 0
  private var rightWidth = 0
  private var exponentWidth = 0

  /// Measures the numbers that will be written.
  init<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ values: [Value]) {
    let finite = values.filter(\.isFinite)
    isScientific = Self.isScientific(finite)
    for value in finite {
      let parts = Self.parts(value, isScientific: isScientific, places: nil)
      leftWidth = max(leftWidth, parts.whole.utf8.count)
      rightWidth = max(rightWidth, parts.fraction.utf8.count)
      exponentWidth = max(exponentWidth, parts.exponent.utf8.count)
    }
    if finite.count < values.count { widenForNonFinite(values) }
  }

  /// Whether numpy switches to powers of ten: from 1e8 on, below 1e-4, or beyond a ratio of 1000.
  private static func isScientific<Value: BinaryFloatingPoint>(_ finite: [Value]) -> Bool {
    let magnitudes = finite.filter { $0 != 0 }.map(\.magnitude)
    guard let largest = magnitudes.max(), let smallest = magnitudes.min() else { return false }
    return largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000
  }

  private mutating func widenForNonFinite<Value: BinaryFloatingPoint>(_ values: [Value]) {
    let behind = rightWidth + exponentWidth + 1
    let hasNegative = values.contains { $0 == -.infinity }
    for value in values where !value.isFinite {
      let width = value.isNaN ? 3 : hasNegative ? 4 : 3
      leftWidth = max(leftWidth, width - behind)
    }
  }

  /// One number in the width of all.
  func text<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Value) -> String {
    guard value.isFinite else {
      let name = value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
      let width = leftWidth + rightWidth + exponentWidth + 1
      return String(repeating: " ", count: max(0, width - name.utf8.count)) + name
    }
    let parts = Self.parts(value, isScientific: isScientific, places: rightWidth)
    let indent = String(repeating: " ", count: max(0, leftWidth - parts.whole.utf8.count))
    // Scientific numbers are filled with their exact digits and then zeros, positional ones with
    // spaces.
    let fill = String(
      repeating: isScientific ? "0" : " ", count: max(0, rightWidth - parts.fraction.utf8.count))
    return "\(indent)\(parts.whole).\(parts.fraction)\(fill)\(exponent(parts.exponent))"
  }

  /// `e-5` widened to the longest: `e-05`, `e-005`.
  private func exponent(_ text: String) -> String {
    let digits = text.dropFirst(2)
    let zeros = String(repeating: "0", count: max(0, exponentWidth - text.utf8.count))
    return text.prefix(2) + zeros + digits
  }

  private struct Parts {
    let whole: String
    let fraction: String
    /// `e`, the sign and two digits at least; empty for a positional number.
    let exponent: String
  }

  /// Writes one number.
  ///
  /// With `places`, a scientific number is given in so many exact digits after the point; otherwise
  /// in the fewest that read back, at most ``precision`` after the point.
  private static func parts<Value: BinaryFloatingPoint & LosslessStringConvertible>(
    _ value: Value, isScientific: Bool, places: Int?
  ) -> Parts {
    let shortest = DecimalDigits(shortest: value)
    let limit = isScientific ? (places ?? precision) + 1 : shortest.exponent + precision
    let isLong = shortest.digits.count > limit || (isScientific && places != nil)
    let digits = isLong ? DecimalDigits(exact: value).rounded(toDigits: limit) : shortest
    return isScientific
      ? Parts(
        whole: digits.leadingDigit, fraction: digits.trailingDigits,
        exponent: digits.exponentSuffix)
      : Parts(whole: digits.wholePart, fraction: digits.fraction, exponent: "")
  }
}

extension DecimalDigits {
  /// What stands before the point, `-0` or `12`.
  var wholePart: String {
    var text = isNegative ? "-" : ""
    guard exponent > 0 else { return text + "0" }
    for index in 0..<exponent { text += index < digits.count ? "\(digits[index])" : "0" }
    return text
  }

  /// What stands after the point; empty for a whole number.
  var fraction: String {
    guard exponent < digits.count else { return "" }
    let zeros = String(repeating: "0", count: max(0, -exponent))
    return zeros + digits[max(0, exponent)...].map { "\($0)" }.joined()
  }

  /// The first digit with the sign.
  var leadingDigit: String {
    (isNegative ? "-" : "") + "\(digits.first ?? 0)"
  }

  /// All digits but the first.
  var trailingDigits: String {
    digits.dropFirst().map { "\($0)" }.joined()
  }

  /// The power of ten of the first digit: `e+00`, `e-05`, `e+123`.
  var exponentSuffix: String {
    let power = digits.isEmpty ? 0 : exponent - 1
    let magnitude = "\(abs(power))"
    return (power < 0 ? "e-" : "e+") + (magnitude.utf8.count < 2 ? "0" : "") + magnitude
  }
}
