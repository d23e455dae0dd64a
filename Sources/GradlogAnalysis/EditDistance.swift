/// The name that a misspelt one most likely meant.
///
/// - Returns: The candidate with the smallest edit distance, the first of several; `nil` when even
///   that one shares less than half of its characters with `name`.
func nearestName(to name: String, in candidates: [String]) -> String? {
  let name = name.lowercased()
  let distances = candidates.map { (candidate: $0, distance: editDistance(name, $0.lowercased())) }
  guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance * 2 <= max(name.count, best.candidate.count) ? best.candidate : nil
}

/// The least number of characters to insert, delete or replace to turn one string into the other
/// (Levenshtein 1966, by Wagner and Fischer's table, one row at a time).
func editDistance(_ first: String, _ second: String) -> Int {
  let second = Array(second)
  var row = Array(0...second.count)
  for (index, character) in first.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in second.indices {
      let replaced = diagonal + (character == second[column] ? 0 : 1)
      diagonal = row[column + 1]
      row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
    }
  }
  return row[second.count]
}
