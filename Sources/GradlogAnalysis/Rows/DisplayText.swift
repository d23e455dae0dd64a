/// Values as a person reads them in a terminal: short, safe and of known width.
package enum DisplayText {
  /// A real number with six significant digits, as C's `%g` but with all digits before the point up
  /// to 10^15.
  package static func number(_ number: Double) -> String {
    guard number.isFinite else { return number.description }
    guard number != 0 else { return "0" }
    var (digits, exponent) = shortestDigits(of: number.magnitude)
    let kept = exponent < 15 ? max(6, exponent + 1) : 6
    if digits.count > kept {
      let roundsUp = digits[kept] >= 5
      digits.removeLast(digits.count - kept)
      if roundsUp { increment(&digits, &exponent) }
    }
    while digits.count > 1, digits.last == 0 { digits.removeLast() }
    let sign = number < 0 ? "-" : ""
    return sign + spelled(digits, exponent)
  }

  /// The digits d₀d₁d₂… and the exponent e of d₀.d₁d₂… × 10^e.
  private static func shortestDigits(of number: Double) -> (digits: [UInt8], exponent: Int) {
    let parts = number.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    var digits = mantissa.joined().utf8.map { $0 - UInt8(ascii: "0") }
    var exponent = mantissa[0].utf8.count - 1 + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.count > 1, digits.first == 0 {
      digits.removeFirst()
      exponent -= 1
    }
    return (digits, exponent)
  }

  private static func increment(_ digits: inout [UInt8], _ exponent: inout Int) {
    for index in digits.indices.reversed() {
      if digits[index] < 9 {
        digits[index] += 1
        return
      }
      digits[index] = 0
    }
    digits = [1]
    exponent += 1
  }

  private static func spelled(_ digits: [UInt8], _ exponent: Int) -> String {
    let text = digits.map(String.init).joined()
    switch exponent {
    case 15..., ..<(-4):
      let fraction = text.dropFirst()
      let power = (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "")
      return "\(text.prefix(1))\(fraction.isEmpty ? "" : ".")\(fraction)e\(power)\(abs(exponent))"
    case ..<0:
      return "0." + String(repeating: "0", count: -exponent - 1) + text
    default:
      guard digits.count > exponent + 1 else {
        return text + String(repeating: "0", count: exponent + 1 - digits.count)
      }
      return "\(text.prefix(exponent + 1)).\(text.dropFirst(exponent + 1))"
    }
  }

  /// The text with every control character spelled out: a name in a file must not move the cursor
  /// or recolour the terminal.
  package static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where isControl(scalar):
        result += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: true
    // Embeddings and overrides of the writing direction.
    case 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// Cells of a terminal that the text occupies.
  package static func width(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + width($1) }
  }

  private static func width(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    switch first.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
      0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }

  /// The text cut to `limit` cells, the last of which is then an ellipsis.
  package static func shortened(_ text: String, to limit: Int) -> String {
    guard width(text) > limit else { return text }
    var result = ""
    var used = 0
    for character in text {
      let next = width(character)
      if used + next > limit - 1 { break }
      result.append(character)
      used += next
    }
    return result + "…"
  }

  /// A number with its noun: `1 batch`, `1,234 batches`.
  package static func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
  }

  /// `a`, `a and b`, `a, b and c`.
  package static func list(_ parts: [String]) -> String {
    parts.count < 2
      ? parts.joined()
      : parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
  }

  /// An integer with a comma between groups of three digits: `1,234,567`.
  static func grouped(_ count: Int) -> String {
    let digits = Array(String(count.magnitude))
    var result = count < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
      result.append(digit)
    }
    return result
  }

  /// A value of any kind on one line.
  static func cell(_ value: CellValue) -> String {
    switch value {
    case .null: "NULL"
    case .integer(let integer): String(integer)
    case .real(let real): number(real)
    case .single(let single): number(Double(single))
    case .half(let half): number(Double(half))
    case .text(let text): shortened(printable(text), to: 80)
    case .blob(let bytes): bytes.count == 1 ? "<1 byte>" : "<\(bytes.count) bytes>"
    }
  }
}
