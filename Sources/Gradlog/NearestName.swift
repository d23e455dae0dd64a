/// Finds the name that was probably meant by a misspelt one.
package enum NearestName {
  /// The candidate with the fewest edits from `name`, upper and lower case being the same, when it is
  /// near enough to be a slip: at most a third of the letters, and two in any case.
  package static func nearest(
    to name: String, among candidates: some Sequence<String>
  ) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = edits(from: name.lowercased(), to: candidate.lowercased())
      let allowed = min(max(2, candidate.count / 3), candidate.count - 1)
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// What to do about a name that does not exist: the nearest one, if one is near, and those that do.
  ///
  /// - Parameters:
  ///   - name: what was written.
  ///   - candidates: what can be written.
  ///   - kind: the plural noun for them.
  /// - Returns: a remedy, without a full stop.
  package static func remedy(
    for name: String, among candidates: [String], kind: String
  ) -> String {
    guard !candidates.isEmpty else { return "there are no \(kind) yet" }
    let shown = candidates.prefix(longestList).joined(separator: ", ")
    let rest = candidates.count - longestList
    let list = "the \(kind) are \(shown)\(rest > 0 ? " and \(rest) more" : "")"
    return nearest(to: name, among: candidates)
      .map { "did you mean \"\($0)\"? (\(list))" } ?? list
  }

  private static let longestList = 20

  /// Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other:
  /// optimal string alignment (R. A. Wagner and R. Lowrance, "An Extension of the String-to-String
  /// Correction Problem", JACM 22(2), 1975).
  package static func edits(from source: String, to target: String) -> Int {
    let source = Array(source)
    let target = Array(target)
    var beforeLast: [Int] = []
    var last = Array(0...target.count)
    for row in source.indices {
      var current = [row + 1]
      for column in target.indices {
        let substitution = last[column] + (source[row] == target[column] ? 0 : 1)
        var cost = min(last[column + 1] + 1, current[column] + 1, substitution)
        if row > 0, column > 0, source[row] == target[column - 1],
          source[row - 1] == target[column]
        {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      (beforeLast, last) = (last, current)
    }
    return last[target.count]
  }
}
