/// The median of the last values of a series.
struct RollingMedian: Sendable {
  private var recent: [Double] = []
  private var sorted: [Double] = []
  private var next = 0
  private let capacity: Int

  init(of capacity: Int) {
    self.capacity = capacity
    recent.reserveCapacity(capacity)
    sorted.reserveCapacity(capacity)
  }

  /// Whether as many values as it looks back at have been added.
  var isFull: Bool { recent.count == capacity }

  var count: Int { recent.count }

  /// Takes a value that is not NaN.
  mutating func add(_ value: Double) {
    guard isFull else {
      recent.append(value)
      return sorted.insert(value, at: place(of: value))
    }
    // The new value takes the place of the oldest, and moves to its own.
    var index = place(of: recent[next])
    recent[next] = value
    next = next + 1 == capacity ? 0 : next + 1
    while index + 1 < sorted.count, sorted[index + 1] < value {
      sorted[index] = sorted[index + 1]
      index += 1
    }
    while index > 0, sorted[index - 1] > value {
      sorted[index] = sorted[index - 1]
      index -= 1
    }
    sorted[index] = value
  }

  /// The median; NaN while there is no value.
  var median: Double { quantile(0.5) }

  /// The smallest value that is not less than a share `p` of all; NaN while there is none.
  func quantile(_ p: Double) -> Double {
    sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(p * Double(sorted.count)))]
  }

  /// The first place whose value is not less.
  private func place(of value: Double) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
