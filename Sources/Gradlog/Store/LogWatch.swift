internal import GRDB
internal import GRDBSQLite
internal import Glibc

/// Moves the write-ahead log into the file, and keeps it from growing without bound.
///
/// SQLite starts the log over when no reader needs it any more. Readers that follow each other closely,
/// or one that stays, prevent that.
struct LogWatch {
  private let file: FileOnDisk
  /// Pages of the log that are in the file, and all that there were at the time.
  private var moved = 0
  private var seen = 0
  /// Pages from which on a log that is not started over is our business: a large batch makes a log of
  /// some times the limit as well.
  private let bound: Int
  /// When to try again to shorten it, in monotonic seconds and in pages, whichever comes first, and how
  /// long to leave it after that.
  private var nextTry = 0.0
  private var nextSize = 0
  private var pause = Self.shortestPause
  private var hasComplained = false

  private static let shortestPause = 0.05
  private static let longestPause = 60.0

  /// Bytes of the disk that are left for the writer, whose last words are how much it lost.
  private static let reserve = 1 << 20

  init(path: String, limit: Int) {
    file = FileOnDisk(path)
    bound = 4 * limit
  }

  /// Moves what readers permit of a log of so many pages, if it fits on the disk: a file that grows
  /// until the disk is full takes the room that the log needs, and for nothing.
  mutating func move(pages: Int, in db: Database) {
    // Started over.
    if pages < seen { moved = 0 }
    seen = pages
    guard file.freeBytes >= (pages - moved) * Schema.pageSize + Self.reserve else { return }
    // What fails stays in the log, and is tried again with the rest.
    guard let result = try? db.checkpoint(.passive) else { return }
    moved = result.checkpointedFrameCount
  }

  /// To be called while the writer waits: shortens a log that is too long, or says why that is
  /// impossible.
  mutating func shorten(pages: Int, in db: Database) {
    guard pages > bound, pages >= nextSize || monotonicSeconds() >= nextTry else { return }
    if truncate(in: db, patience: 500 * min(pages / bound, 10)) {
      (pause, nextSize) = (Self.shortestPause, 0)
    } else {
      nextTry = monotonicSeconds() + pause
      pause = min(2 * pause, Self.longestPause)
      // By size too: in the time that is to pass a fast recorder writes gigabytes.
      nextSize = pages + pages / 2
      // Not at once: of several recorders that shorten one log at the same moment, one succeeds.
      if pause > 1, pages > 2 * bound { complainOnce(pages * Schema.pageSize) }
    }
  }

  /// Moves the log into the file, waits for those who read it, and starts it over.
  ///
  /// Meanwhile nothing is written, so readers who come see all of it in the file and need no log: only
  /// those are waited for who were there before. `patience` is in milliseconds, and the longer the log,
  /// the more there is of it.
  private func truncate(in db: Database, patience: Int) -> Bool {
    defer { try? db.stopWaitingForLocks() }
    var patience = Int32(patience)
    return withUnsafeMutablePointer(to: &patience) { patience in
      // Every millisecond: SQLite's own pauses would miss the gaps that other recorders leave.
      sqlite3_busy_handler(
        db.sqliteConnection,
        { patience, tries in
          usleep(1_000)
          return tries < patience?.load(as: Int32.self) ?? 0 ? 1 : 0
        }, patience)
      return (try? db.checkpoint(.truncate)) != nil
    }
  }

  private mutating func complainOnce(_ bytes: Int) {
    guard !hasComplained else { return }
    hasComplained = true
    complain(
      "'\(file.path)-wal' has \(bytes >> 20) MiB and grows, because another program keeps "
        + "an older state of '\(file.path)' in use; it becomes short again when that program has finished"
    )
  }
}
