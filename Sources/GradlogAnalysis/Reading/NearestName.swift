internal import Gradlog

extension NearestName {
  /// What to do about a name that does not exist: the nearest one, else a few that do.
  static func remedy(for name: String, among candidates: [String], noun: String) -> String {
    if let nearest = nearest(to: name, among: candidates) { return "did you mean '\(nearest)'?" }
    guard !candidates.isEmpty else { return "the file holds no \(noun) yet" }
    return "there is " + list(candidates)
  }

  /// The first few names.
  static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
    return shown + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
