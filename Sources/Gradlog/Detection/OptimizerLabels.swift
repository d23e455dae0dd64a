/// The optimizers of a run: the detectors know them by numbers, in the order in which their labels came up.
struct OptimizerLabels: Sendable {
  private(set) var all: [String] = []
  private var numbers: [String: Int] = [:]
  /// The one that was asked for last, since few batches change it.
  private var last = 0

  /// The number of a label.
  mutating func number(of label: String) -> Int {
    if last < all.count, all[last] == label { return last }
    last = numbers[label] ?? append(label)
    return last
  }

  /// The number of a label that is UTF-8.
  mutating func number(of label: UnsafeRawBufferPointer) -> Int {
    if last < all.count, all[last].utf8.elementsEqual(label) { return last }
    return number(of: String(decoding: label, as: UTF8.self))
  }

  private mutating func append(_ label: String) -> Int {
    numbers[label] = all.count
    all.append(label)
    return all.count - 1
  }
}
