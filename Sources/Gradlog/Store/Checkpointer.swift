internal import GRDB
internal import GRDBSQLite

/// Moves the write-ahead log into the file on a connection and a thread of its own, while the writer
/// goes on.
///
/// SQLite by itself does this within a commit. To read the log back, write the file and wait for the disk
/// takes as long as writing the log, and it hardly slows the writer down when it happens beside it.
///
/// SQLite starts a log over when all of it is in the file at the moment a transaction begins. So that
/// this moment comes, the writer waits for the checkpointer when the log is too long.
final class Checkpointer: Sendable {
  fileprivate struct State {
    /// Pages of the log after the last commit, and how many there were when the last pass began.
    var pages = 0
    var seenPages = 0
    /// Whether the writer waits for a pass that begins from now on.
    var isAwaited = false
    var isStopped = false
  }

  /// One look at the log.
  fileprivate struct Pass {
    let pages: Int
    let isAwaited: Bool
  }

  private let state = Monitor(State())
  private let connection: DatabaseQueue
  /// Pages of a log for which the writer waits.
  private let limit: Int
  /// A pass is worth its two waits for the disk when it moves so many pages.
  private let worthwhile: Int

  /// Opens the connection and begins.
  ///
  /// - Throws: whatever SQLite throws.
  init(path: String, logLimit: Int) throws {
    limit = logLimit / Schema.pageSize
    worthwhile = max(1, limit / 16)
    connection = try DatabaseFile.openForCheckpoints(path)
    let log = LogWatch(path: path, limit: limit)
    connection.asyncWriteWithoutTransaction { [state, worthwhile] db in
      Self.run(state, worthwhile, log, in: db)
    }
  }

  /// Looks at each commit of a connection, which must not outlive this.
  func watch(_ db: Database) {
    sqlite3_wal_hook(
      db.sqliteConnection,
      { checkpointer, _, _, pages in
        if let checkpointer {
          Unmanaged<Checkpointer>.fromOpaque(checkpointer).takeUnretainedValue()
            .committed(pages: Int(pages))
        }
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// The log has so many pages after a commit.
  private func committed(pages: Int) {
    let isLong = state.withLock { state in
      // Started over.
      if pages < state.pages { state.seenPages = 0 }
      state.pages = pages
      return pages > limit
    }
    if isLong { catchUp() } else { state.notify() }
  }

  /// Waits until everything committed before is in the file, as far as readers permit.
  func catchUp() {
    state.withLock { $0.isAwaited = true }
    state.notify()
    state.wait { $0.isAwaited && !$0.isStopped ? .wait(until: nil) : .ready(()) }
  }

  /// Ends after the pass that is under way, without waiting for it.
  func abandon() {
    state.withLock { $0.isStopped = true }
    state.notify()
  }

  /// Ends, and closes the connection.
  func stop() {
    abandon()
    try? connection.close()
  }

  private static func run(
    _ state: Monitor<State>, _ worthwhile: Int, _ log: LogWatch, in db: Database
  ) {
    var log = log
    while let pass = state.wait({ $0.nextPass(worthwhile) }) {
      log.move(pages: pass.pages, in: db)
      guard pass.isAwaited else { continue }
      log.shorten(pages: pass.pages, in: db)
      state.withLock { $0.isAwaited = false }
      state.notify()
    }
  }
}

extension Checkpointer.State {
  fileprivate mutating func nextPass(_ worthwhile: Int) -> Monitor<Self>.Look<Checkpointer.Pass?> {
    if isStopped { return .ready(nil) }
    guard isAwaited || pages - seenPages >= worthwhile else { return .wait(until: nil) }
    seenPages = pages
    return .ready(Checkpointer.Pass(pages: pages, isAwaited: isAwaited))
  }
}
