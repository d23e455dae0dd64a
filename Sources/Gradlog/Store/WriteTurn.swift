internal import GRDB
internal import Glibc

/// Takes turns with other processes that write to the same file.
///
/// SQLite's own waiting sleeps up to 100 ms at a time and knows no queue: a writer that always has
/// something to write would keep the lock for itself. Here those who wait look every millisecond, and
/// one who has met others leaves them a gap after each of its transactions.
struct WriteTurn {
  private var hasMetOthers = false
  /// Seconds to wait for the lock when somebody waits for us.
  private var patience = Self.longest

  private static let longest = 10.0
  /// After giving up once, so that a file that stays locked slows the training no more.
  private static let shortest = 0.1

  /// Begins a transaction in which no statement meets a lock.
  ///
  /// As long as `mayWait` says that waiting hurts nobody it waits, however long another program keeps
  /// the lock.
  ///
  /// - Throws: `SQLITE_BUSY` when patience has run out.
  mutating func begin(in db: Database, mayWait: () -> Bool) throws {
    let deadline = monotonicSeconds() + patience
    var isFirstTry = true
    while true {
      do {
        // In WAL mode readers stay unharmed. With a rollback journal they have to be gone before the
        // cache spills, and here is the place to wait for that.
        try db.execute(sql: "BEGIN EXCLUSIVE")
        hasMetOthers = !isFirstTry
        patience = Self.longest
        return
      } catch DatabaseError.SQLITE_BUSY {
        guard monotonicSeconds() < deadline || mayWait() else {
          patience = Self.shortest
          throw DatabaseError(resultCode: .SQLITE_BUSY)
        }
        isFirstTry = false
        usleep(1_000)
      }
    }
  }

  /// Commits, and lets others go first who may be waiting.
  func commit(in db: Database) throws {
    try db.execute(sql: "COMMIT")
    if hasMetOthers { usleep(2_000) }
  }
}

extension Database {
  /// Makes every statement answer at once when the file is locked: ``WriteTurn`` waits instead.
  func stopWaitingForLocks() throws {
    try execute(sql: "PRAGMA busy_timeout = 0")
  }
}
