internal import Glibc

extension Double {
  /// As a sentence has it: three significant digits, and whole numbers below a million in full.
  package var short: String {
    guard isFinite else { return isNaN ? "NaN" : self < 0 ? "-infinity" : "infinity" }
    if self == 0 { return "0" }
    return magnitude < 1e6 && self == rounded() ? printed("%.0f", self) : significant(3)
  }

  /// As a share of a hundred; what rounds to all is not said to be all.
  var percent: String {
    if self >= 0.995, self < 1 { return "over 99 %" }
    let hundredths = 100 * self
    return (hundredths.magnitude < 10 ? hundredths.significant(2) : hundredths.rounded().short)
      + " %"
  }

  /// As a share of a hundred that is reached.
  package var wholePercent: String { (100 * self).rounded(.down).short + " %" }

  /// So many significant digits, without zeros at the end.
  private func significant(_ count: Int) -> String {
    guard isFinite, self != 0 else { return short }
    let digits = printed("%.\(count - 1)e", self)
    let parts = digits.split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return digits }
    guard (-4..<6).contains(exponent) else { return "\(Self.trimmed(parts[0]))e\(exponent)" }
    let decimals = max(0, count - 1 - exponent)
    return String(Self.trimmed(printed("%.\(decimals)f", Double(digits) ?? self)[...]))
  }

  private static func trimmed(_ digits: Substring) -> Substring {
    guard digits.contains(".") else { return digits }
    let end = digits.lastIndex { $0 != "0" } ?? digits.startIndex
    return digits[end] == "." ? digits[..<end] : digits[...end]
  }
}

private func printed(_ format: String, _ value: Double) -> String {
  withVaList([value]) { arguments in
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      vsnprintf(start, buffer.count, format, arguments)
      return String(cString: start)
    }
  }
}
