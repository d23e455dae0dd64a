internal import GRDB

/// A run that a process of this machine records now.
struct LiveRun: Sendable {
  /// Name of the run.
  let name: String
  /// The process that records it.
  let process: Int

  /// The first run of this name and rank that is being recorded; nil for a name or rank means any.
  ///
  /// - Throws: whatever SQLite throws.
  static func first(
    named name: String?, rank: Int?, in db: Database
  ) throws -> LiveRun? {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT name, recorder_host, recorder_process, recorder_process_started FROM runs
        WHERE finished_at IS NULL AND (:name IS NULL OR name = :name)
          AND (:rank IS NULL OR rank = :rank)
          AND recorder_host IS NOT NULL AND recorder_process IS NOT NULL
        """, arguments: ["name": name, "rank": rank])
    for row in rows {
      let process = RecorderProcess(
        host: try row.decode(String.self, forColumn: "recorder_host"),
        identifier: try row.decode(Int.self, forColumn: "recorder_process"),
        startedAt: try row.decode(Int?.self, forColumn: "recorder_process_started"))
      guard process.isAlive else { continue }
      return LiveRun(
        name: try row.decode(String.self, forColumn: "name"), process: process.identifier)
    }
    return nil
  }

  /// Why the file cannot be `treated` ("pruned") now.
  func refusal(_ treated: String, path: String) -> GradlogError {
    GradlogError(
      .overlap, "run '\(name)' in '\(path)' is being recorded by process \(process)",
      remedy: "it can be \(treated) when that has ended")
  }
}
