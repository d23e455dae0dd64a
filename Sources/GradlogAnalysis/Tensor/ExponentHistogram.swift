/// How many elements there are of each binary exponent, from `exponents_blob`.
struct ExponentHistogram: Equatable {
  /// The exponent of the first bin: it holds 2^e ≤ |g| < 2^(e+1).
  let lowest: Int

  /// Elements in each bin.
  let counts: [Int]

  /// The exponents of float64 are −1,074 to 1,023.
  private static let possibleBins = 2_098

  /// Decodes a blob; nil when it is not what `docs/FileFormat.md` describes.
  init?(blob: [UInt8]) {
    var numbers: [Int] = []
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for byte in blob {
      guard shift < 63, numbers.count <= Self.possibleBins else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 {
        guard let number = Int(exactly: value) else { return nil }
        numbers.append(number)
        (value, shift) = (0, 0)
      }
    }
    guard shift == 0 else { return nil }
    guard let first = numbers.first else {
      (lowest, counts) = (0, [])
      return
    }
    guard first < 1_100 + 1_024 else { return nil }
    lowest = first - 1_100
    counts = Array(numbers.dropFirst())
  }

  /// Bins side by side put together so that at most `rows` remain, each with its first and last
  /// exponent.
  func grouped(into rows: Int) -> [(exponents: ClosedRange<Int>, count: Int)] {
    let width = max(1, (counts.count + rows - 1) / rows)
    return stride(from: 0, to: counts.count, by: width).map { start in
      let bins = counts[start..<min(start + width, counts.count)]
      let sum = bins.reduce(0) { $0.addingReportingOverflow($1).partialValue }
      return (lowest + start...lowest + start + bins.count - 1, sum)
    }
  }

  /// The histogram as bars of block characters, in lines of less than 80 columns.
  func drawing(rows: Int = 24, barWidth: Int = 40) -> [String] {
    let groups = grouped(into: rows)
    let most = groups.map(\.count).max() ?? 0
    let total = groups.reduce(0.0) { $0 + Double($1.count) }
    let labels = groups.map { group in
      let (first, last) = (group.exponents.lowerBound, group.exponents.upperBound)
      return first == last ? "2^\(first)" : "2^\(first) … 2^\(last)"
    }
    let labelWidth = labels.map(\.count).max() ?? 0
    return zip(groups, labels).map { group, label in
      let eighths = (Double(group.count) / Double(max(most, 1)) * Double(barWidth * 8)).rounded(.up)
      let padding = String(repeating: " ", count: labelWidth - label.count)
      let bar = Self.bar(eighths: max(0, Int(eighths)))
      let gap = String(repeating: " ", count: max(0, barWidth - bar.count))
      let share = (Double(group.count) / max(total, 1) * 1000).rounded() / 10
      return "\(padding)\(label)  \(bar)\(gap)  \(DisplayText.grouped(group.count)) (\(share) %)"
    }
  }

  private static func bar(eighths: Int) -> String {
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }
}
