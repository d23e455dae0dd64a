internal import Foundation
internal import GRDB
internal import GRDBSQLite

/// Gives the space of deleted rows back to the file system.
///
/// The file is written anew beside itself, flushed, and renamed over the old one, so that at every
/// moment there is one whole file under its name. A lock that keeps writers out is held from before the
/// first page is copied until after the rename; readers go on with what they have open.
package struct Compaction {
  private let path: String
  /// Without symbolic links: a rename would replace the link.
  private let file: FileOnDisk
  /// Always the same name: what a killed compaction left is found and removed by the next one.
  private var copy: FileOnDisk { FileOnDisk(file.absolutePath + "-compact") }

  /// Bytes of the file before and after.
  package typealias Sizes = (before: Int, after: Int)

  /// - Throws: ``GradlogError`` when the path cannot be resolved.
  package init(path: String) throws(GradlogError) {
    self.path = path
    guard let resolved = realpath(path, nil) else {
      throw GradlogError(
        .notFound, "'\(path)' cannot be reached (\(String(cString: strerror(errno))))",
        remedy: "check the path and the permissions of its folders")
    }
    defer { free(resolved) }
    file = FileOnDisk(String(cString: resolved))
  }

  /// Compacts the file.
  ///
  /// - Parameters:
  ///   - always: whether to do so when the file has no free page.
  ///   - continues: told how far it is; returns false to stop, which leaves the file as it was.
  /// - Returns: the sizes; nil when it was stopped.
  /// - Throws: ``GradlogError`` when another program uses the file, there is no room for the copy, or
  ///   SQLite refuses. The file is as it was then.
  package func run(
    always: Bool, _ continues: @escaping (PruningProgress) -> Bool
  ) throws(GradlogError) -> Sizes? {
    do {
      let queue = try DatabaseQueue(path: file.absolutePath, configuration: Self.configuration)
      defer { try? queue.close() }
      var sizes: Sizes?
      try queue.writeWithoutTransaction { db in
        try leaveLogMode(db)
        try db.inTransaction(.immediate) {
          try refuseIfInUse(db)
          sizes = try replaceFile(db, always: always, continues)
          return .rollback
        }
      }
      return sizes
    } catch DatabaseError.SQLITE_BUSY, DatabaseError.SQLITE_LOCKED {
      throw inUse
    } catch {
      throw GradlogError(error, path: path)
    }
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "gradlog.compaction"
    configuration.busyMode = .timeout(2)
    return configuration
  }

  private var inUse: GradlogError {
    GradlogError(
      .storage, "'\(path)' is open in another program, so its free space cannot be given back",
      remedy: "close that, then run: gradlog prune --compact --db '\(path)'")
  }

  /// Succeeds only when no other connection has the file open in WAL mode.
  private func leaveLogMode(_ db: Database) throws {
    guard try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE") == "delete" else {
      throw inUse
    }
  }

  /// To be called with the lock held: a recorder may have come since.
  private func refuseIfInUse(_ db: Database) throws {
    guard try String.fetchOne(db, sql: "PRAGMA journal_mode") == "delete" else { throw inUse }
    if let run = try LiveRun.first(named: nil, rank: nil, in: db) {
      throw run.refusal("compacted", path: path)
    }
  }

  private func replaceFile(
    _ db: Database, always: Bool, _ continues: @escaping (PruningProgress) -> Bool
  ) throws -> Sizes? {
    let pageSize = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
    let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
    let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
    let before = pages * pageSize
    guard always || free > 0 else { return (before, before) }
    let expected = (pages - free) * pageSize
    try refuseUnlessThereIsRoom(expected)
    removeCopy()
    defer { removeCopy() }
    let stamp = file.stamp()
    try createCopy()
    guard try fillCopy(expected: expected, continues) else { return nil }
    // Nobody can have written to the file, but it may have been replaced by another one.
    guard file.stamp() == stamp, let after = copy.stamp()?.bytes else {
      throw GradlogError(
        .storage, "'\(path)' was replaced while it was being compacted", remedy: "try again")
    }
    try moveCopy()
    return (before, after)
  }

  /// Another connection reads, since one that holds the lock in a transaction cannot.
  private func fillCopy(
    expected: Int, _ continues: @escaping (PruningProgress) -> Bool
  ) throws -> Bool {
    let reader = try DatabaseQueue(path: file.absolutePath, configuration: Self.configuration)
    defer { try? reader.close() }
    let watch = CompactionWatch { [copy] in
      continues(.compacting(bytes: copy.stamp()?.bytes ?? 0, of: expected))
    }
    do {
      try reader.writeWithoutTransaction { db in
        watch.begin(db)
        defer { watch.end(db) }
        try db.execute(sql: "VACUUM INTO ?", arguments: [copy.absolutePath])
      }
      return true
    } catch DatabaseError.SQLITE_INTERRUPT {
      return false
    }
  }
}

// MARK: - The copy on disk

extension Compaction {
  private func refuseUnlessThereIsRoom(_ bytes: Int) throws {
    var status = statvfs()
    guard statvfs(file.absolutePath, &status) == 0 else { return }
    let (room, overflow) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    guard !overflow, room < bytes else { return }
    throw GradlogError(
      .storage,
      "'\(path)' cannot be compacted: the copy needs \(bytes / 1_000_000) MB and "
        + "\(room / 1_000_000) MB are free",
      remedy: "free some space, then run: gradlog prune --compact --db '\(path)'")
  }

  /// Makes an empty copy that nobody may read who may not read the file.
  private func createCopy() throws {
    var status = stat()
    let descriptor = open(copy.absolutePath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("be created") }
    defer { close(descriptor) }
    guard stat(file.absolutePath, &status) == 0 else { throw failure("be created") }
    // Only root may give a file away; without that the copy belongs to whoever prunes.
    _ = fchown(descriptor, status.st_uid, status.st_gid)
    guard fchmod(descriptor, status.st_mode & 0o7777) == 0 else { throw failure("be created") }
  }

  /// The copy must be on the disk before its name is, and its name before the lock goes.
  private func moveCopy() throws {
    try flush(copy.absolutePath)
    guard rename(copy.absolutePath, file.absolutePath) == 0 else { throw failure("be renamed") }
    try flush(file.folder.absolutePath)
  }

  /// Never to be called with the file itself: closing a descriptor of it would drop SQLite's locks.
  /// https://www.sqlite.org/howtocorrupt.html#posix_advisory_locks_canceled
  private func flush(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("be flushed") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("be flushed") }
  }

  private func removeCopy() {
    for suffix in ["", "-journal", "-wal", "-shm"] { unlink(copy.absolutePath + suffix) }
  }

  private func failure(_ what: String) -> GradlogError {
    GradlogError(
      .storage, "the copy '\(copy.path)' cannot \(what) (\(String(cString: strerror(errno))))",
      remedy: "check the folder and the disk; '\(path)' is as it was")
  }
}

/// Asks from time to time, while SQLite works, whether to go on.
private final class CompactionWatch {
  private let continues: () -> Bool

  /// Operations of SQLite's virtual machine between two questions: a few rows.
  private static let interval: Int32 = 100

  init(_ continues: @escaping () -> Bool) {
    self.continues = continues
  }

  func begin(_ db: Database) {
    sqlite3_progress_handler(
      db.sqliteConnection, Self.interval,
      { context in
        guard let context else { return 0 }
        let watch = Unmanaged<CompactionWatch>.fromOpaque(context).takeUnretainedValue()
        return watch.continues() ? 0 : 1
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  func end(_ db: Database) {
    sqlite3_progress_handler(db.sqliteConnection, 0, nil, nil)
  }
}
