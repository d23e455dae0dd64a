/// Batches in a row in which something holds.
struct Streak: Sendable {
  private(set) var length = 0
  /// The first of them.
  private(set) var start: BatchPlace?

  /// Returns `holds`.
  @discardableResult
  mutating func observe(_ holds: Bool, at place: BatchPlace) -> Bool {
    if !holds {
      length = 0
    } else {
      if length == 0 { start = place }
      length += 1
    }
    return holds
  }
}
