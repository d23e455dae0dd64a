internal import GRDB
internal import GRDBSQLite
internal import Glibc

/// Keeps the write-ahead log from growing without bound where readers hinder the ``Checkpointer``.
///
/// SQLite starts the log over when no reader needs it any more. Readers that follow each other closely,
/// or one that stays, prevent that.
struct LogWatch {
  private let path: String
  /// Where it becomes our business: a large batch makes a log of some times the limit as well.
  private let bound: Int
  /// When to try again to shorten it, in monotonic seconds and in bytes, whichever comes first, and how
  /// long to leave it after that.
  private var nextTry = 0.0
  private var nextSize = 0
  private var pause = Self.shortestPause
  private var hasComplained = false

  private static let shortestPause = 0.05
  private static let longestPause = 60.0

  init(path: String, limit: Int) {
    self.path = path
    bound = 4 * limit
  }

  /// To be called while the writer waits, with the bytes of the log: shortens a log that is too long, or
  /// says why that is impossible.
  mutating func look(bytes: Int, in db: Database) {
    guard bytes > bound, bytes >= nextSize || monotonicSeconds() >= nextTry else { return }
    if truncate(in: db) {
      (pause, nextSize) = (Self.shortestPause, 0)
    } else {
      nextTry = monotonicSeconds() + pause
      pause = min(2 * pause, Self.longestPause)
      // By size too: in the time that is to pass a fast recorder writes gigabytes.
      nextSize = bytes + bytes / 2
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
