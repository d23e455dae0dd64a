/// The digits of a finite number: sign · 0.d₁d₂d₃… · 10^exponent, with d₁ ≠ 0 unless the number is 0.
struct DecimalDigits: Equatable {
  /// Whether the sign bit is set; true for −0.0.
  let isNegative: Bool

  /// d₁, d₂ …, each 0 to 9, without zeros at the end.
  ///
  /// Empty for 0.
  private(set) var digits: [UInt8]

  /// The number of digits before the decimal point; negative where zeros follow the point.
  private(set) var exponent: Int

  /// The fewest digits that read back as `value`.
  init<Value: BinaryFloatingPoint & LosslessStringConvertible>(shortest value: Value) {
    isNegative = value.sign == .minus
    digits = []
    exponent = 0
    var pointShift: Int?
    var power = 0
    let text = String(value.magnitude).utf8
    for (index, letter) in zip(text.indices, text) {
      if letter == UInt8(ascii: "e") {
        power = Int(String(text[text.index(after: index)...]) ?? "") ?? 0
        break
      } else if letter == UInt8(ascii: ".") {
        pointShift = digits.count
      } else {
        digits.append(letter - UInt8(ascii: "0"))
      }
    }
    exponent = (pointShift ?? digits.count) + power
    dropZeros()
  }

  /// All digits of `value`, which a binary number always has finitely many of.
  init(exact value: some BinaryFloatingPoint) {
    // m·2ᵉ is m·2ᵉ for e ≥ 0 and m·5⁻ᵉ ÷ 10⁻ᵉ otherwise: a whole number with a shifted point.
    let double = Double(value)
    let binary = Int(max(double.exponentBitPattern, 1)) - 1_075
    var number = WholeNumber(double.significandBitPattern | (double.isNormal ? 1 << 52 : 0))
    for _ in 0..<abs(binary) { number.multiply(by: binary < 0 ? 5 : 2) }
    isNegative = double.sign == .minus
    digits = number.digits
    exponent = digits.count + min(binary, 0)
    dropZeros()
  }

  /// Rounds to the first `count` digits, half to even.
  ///
  /// Exact digits give the right rounding, the shortest ones may not. A `count` of 0 leaves 0 or 1 in
  /// the place before the first digit, a negative one leaves 0.
  func rounded(toDigits count: Int) -> DecimalDigits {
    guard count < digits.count else { return self }
    var result = self
    result.digits = count > 0 ? Array(digits[..<count]) : []
    if count >= 0, roundsUp(at: count) { result.increment(at: count) }
    result.dropZeros()
    return result
  }

  /// Whether cutting before digit `position` rounds up.
  private func roundsUp(at position: Int) -> Bool {
    guard digits[position] == 5, position == digits.count - 1 else { return digits[position] >= 5 }
    return position > 0 && digits[position - 1] % 2 == 1
  }

  /// Adds 1 to the last of the first `count` digits.
  private mutating func increment(at count: Int) {
    var index = count - 1
    while index >= 0 {
      if digits[index] < 9 {
        digits[index] += 1
        return
      }
      digits[index] = 0
      index -= 1
    }
    digits.insert(1, at: 0)
    exponent += 1
  }

  /// Brings the digits into the form that the type promises.
  private mutating func dropZeros() {
    while digits.last == 0 { digits.removeLast() }
    let leading = digits.prefix { $0 == 0 }.count
    digits.removeFirst(leading)
    exponent = digits.isEmpty ? 0 : exponent - leading
  }
}

/// A whole number of any size.
private struct WholeNumber {
  /// Base 10⁹, the least significant first.
  private var limbs: [UInt32] = []

  private static let base: UInt64 = 1_000_000_000

  init(_ value: UInt64) {
    var rest = value
    while rest > 0 {
      limbs.append(UInt32(rest % Self.base))
      rest /= Self.base
    }
  }

  mutating func multiply(by factor: UInt64) {
    var carry: UInt64 = 0
    for index in limbs.indices {
      let product = UInt64(limbs[index]) * factor + carry
      limbs[index] = UInt32(product % Self.base)
      carry = product / Self.base
    }
    if carry > 0 { limbs.append(UInt32(carry)) }
  }

  /// The decimal digits, the most significant first; zeros may stand in front.
  var digits: [UInt8] {
    limbs.reversed().flatMap { limb in
      var digits = [UInt8](repeating: 0, count: 9)
      var rest = limb
      for index in digits.indices.reversed() {
        digits[index] = UInt8(rest % 10)
        rest /= 10
      }
      return digits
    }
  }
}
