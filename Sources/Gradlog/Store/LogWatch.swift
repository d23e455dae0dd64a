internal import GRDB
internal import GRDBSQLite
internal import Glibc

/// Keeps the write-ahead log from growing without bound.
///
/// SQLite moves the log into the file whenever it has reached a limit, and starts it over when no
/// reader needs it any more. Readers that follow each other closely, or one that stays, prevent that.
struct LogWatch {
  private let log: FileOnDisk
  private let path: String
  /// Where it becomes our business: a large batch makes a log of some times the limit as well.
  private let bound: Int
  /// When to try again to shorten it, in monotonic seconds, and how long to leave it then.
  private var nextTry = 0.0
  private var pause = Self.shortestPause
  private var hasComplained = false

  private static let shortestPause = 0.05
  private static let longestPause = 60.0

  init(path: String, limit: Int) {
    log = FileOnDisk(path).log
    self.path = path
    bound = 4 * limit
  }

  /// To be called after a commit: shortens a log that is too long, or says why that is impossible.
  mutating func look(in db: Database) {
    guard let bytes = log.stamp()?.bytes, bytes > bound, monotonicSeconds() >= nextTry else {
      return
    }
    if truncate(in: db) {
      pause = Self.shortestPause
    } else {
      nextTry = monotonicSeconds() + pause
      pause = min(2 * pause, Self.longestPause)
      // Not at once: of several recorders that shorten one log at the same moment, one succeeds.
      if pause > 1, bytes > 2 * bound { complainOnce(bytes) }
    }
  }

  /// Moves the log into the file, waits for those who read it, and starts it over.
  ///
  /// Meanwhile nothing is written, so readers who come see all of it in the file and need no log.
  private func truncate(in db: Database) -> Bool {
    defer { try? db.stopWaitingForLocks() }
    // Every millisecond for half a second: SQLite's own pauses would miss the gaps that other
    // recorders leave.
    sqlite3_busy_handler(
      db.sqliteConnection,
      { _, tries in
        usleep(1_000)
        return tries < 500 ? 1 : 0
      }, nil)
    do {
      _ = try db.checkpoint(.truncate)
      return true
    } catch {
      return false
    }
  }

  private mutating func complainOnce(_ bytes: Int) {
    guard !hasComplained else { return }
    hasComplained = true
    complain(
      "'\(path)-wal' has \(bytes >> 20) MiB and grows, because another program keeps "
        + "an older state of '\(path)' in use; it becomes short again when that program has finished"
    )
  }
}
