/// A remedy that names the valid name nearest to a misspelt one, and all of them.
///
/// - Parameters:
///   - name: what was written.
///   - names: what can be written.
///   - kind: the plural noun for them.
/// - Returns: a sentence without a full stop.
func suggestion(for name: String, among names: [String], kind: String) -> String {
  let list = "the \(kind) are \(names.joined(separator: ", "))"
  guard let nearest = nearestName(to: name, among: names) else { return list }
  return "did you mean \"\(nearest)\"? (\(list))"
}

/// The name with the smallest edit distance, when it is near enough to be a slip of the hand: at most
/// a third of its letters, and two in any case.
private func nearestName(to name: String, among names: [String]) -> String? {
  let distances = names.map { (name: $0, distance: editDistance(name.lowercased(), $0)) }
  guard let nearest = distances.min(by: { $0.distance < $1.distance }) else { return nil }
  return nearest.distance <= max(2, nearest.name.count / 3) ? nearest.name : nil
}

/// How many letters must be inserted, deleted or replaced (Levenshtein, 1966).
private func editDistance(_ first: String, _ second: String) -> Int {
  let second = Array(second)
  var row = Array(0...second.count)
  for (i, letter) in first.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in second.enumerated() {
      let replaced = diagonal + (letter == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
    }
  }
  return row[second.count]
}
