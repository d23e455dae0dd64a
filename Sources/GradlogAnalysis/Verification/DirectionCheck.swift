internal import Gradlog

/// Whether the cosine of a gradient is that of its values and of those before it, where both are in the file.
final class DirectionCheck {
  private let directions = GradientDirections()
  /// Small numbers for the weights, in the order in which they were seen.
  private var numbers: [Int64: Int] = [:]

  /// Both are rounded to float32, and sums depend on the order of addition.
  private static let tolerance = 1e-6

  /// What is wrong with a cosine by itself; nil when nothing is.
  static func problem(_ cosine: CellValue, elementCount: Int) -> String? {
    if cosine == .null { return nil }
    if case .real(let number) = cosine, abs(number) <= 1, elementCount > 0 { return nil }
    return "cosine is \(DisplayText.cell(cosine)), of \(elementCount) elements"
  }

  /// To be called before the gradients of a batch.
  func begin(optimizer: String) { directions.begin(optimizer: optimizer) }

  /// To be called for a gradient of which not every value is read.
  func skip(weightID: Int64) { directions.forget(weight: number(of: weightID)) }

  /// How a cosine differs from what the values give; nil when it does not, or nothing is known of the gradient
  /// before. A recorder that began anew, or lost batches, had nothing to compare with.
  func problem(_ cosine: CellValue, of gradient: TensorView, weightID: Int64) -> String? {
    let number = number(of: weightID)
    let isKnown = directions.knows(weight: number)
    let actual = directions.cosine(of: gradient, weight: number)
    guard isKnown, case .real(let stored) = cosine else { return nil }
    guard let actual else { return "cosine is \(stored), the values give NULL" }
    return abs(stored - actual) <= Self.tolerance
      ? nil : "cosine is \(stored), the values give \(actual)"
  }

  private func number(of weightID: Int64) -> Int {
    if let number = numbers[weightID] { return number }
    numbers[weightID] = numbers.count
    return numbers.count - 1
  }
}
