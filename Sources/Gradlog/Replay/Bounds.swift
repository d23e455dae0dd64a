/// What numbers a file may give to the detectors, which add and subtract them.
package enum Bounds {
  /// More than any training counts, and so little that a few of them can be added.
  package static let count = 1 << 40

  package static func bounded(_ number: Int64) -> Int { min(max(Int(number), 0), count) }
}
