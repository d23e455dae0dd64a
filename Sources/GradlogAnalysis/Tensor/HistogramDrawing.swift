internal import Gradlog

extension ExponentHistogram {
  /// Bins side by side put together so that at most `rows` remain, each with its first and last
  /// exponent.
  func grouped(into rows: Int) -> [(exponents: ClosedRange<Int>, count: Int)] {
    let width = max(1, (counts.count + rows - 1) / rows)
    return stride(from: 0, to: counts.count, by: width).map { start in
      let bins = counts[start..<min(start + width, counts.count)]
      let sum = bins.reduce(0) { $0.addingReportingOverflow($1).partialValue }
      return (lowestExponent + start...lowestExponent + start + bins.count - 1, sum)
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
