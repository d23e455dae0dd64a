/// A number of bytes as a person reads it: `1.4 MiB`.
public struct ByteCount: Sendable, CustomStringConvertible {
  private let count: Int

  /// - Parameter count: the number of bytes.
  public init(_ count: Int) {
    self.count = count
  }

  /// The number in the largest binary unit of which there is one.
  public var description: String {
    guard count >= 1024 else { return count == 1 ? "1 byte" : "\(count) bytes" }
    var value = Double(count)
    var unit = 0
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    let rounded = value < 100 ? (value * 10).rounded() / 10 : value.rounded()
    return "\(DisplayText.number(rounded)) \(units[unit])"
  }
}
