internal import Foundation
internal import GRDB
internal import GRDBSQLite

/// Opens and closes the file of `docs/FileFormat.md`, and says in a sentence why it will not.
///
/// Nothing here opens the file but through SQLite: POSIX drops the locks of a whole process as soon as
/// any descriptor of the file is closed, those of a recorder in this process included.
/// https://www.sqlite.org/howtocorrupt.html
package enum DatabaseFile {
  /// Opens a recording to read it.
  ///
  /// Nothing on disk changes, not even beside the file, unless a killed program left a transaction that
  /// has to be undone first.
  ///
  /// A reader never waits for a recorder nor holds it up: it sees the last commit.
  ///
  /// - Throws: a sentence that names the path and the remedy when the file is missing, a folder,
  ///   empty, unreadable, not SQLite, not gradlog's, newer than this code, or damaged.
  package static func openForReading(_ path: String) throws(GradlogError) -> FileReader {
    let file = FileOnDisk(path)
    try refuseUnlessReadable(file)
    let header = try file.header()
    guard header.starts(with: "SQLite format 3\0".utf8) else { throw .notADatabase(path) }
    let usesLog = header.count > 19 && header[19] == 2
    let location = try readingLocation(of: file, usesLog: usesLog)

    var configuration = Configuration()
    configuration.readonly = true
    configuration.label = "gradlog.reader"
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { db in
      // The connection is read-only already; this also covers databases that a query attaches.
      try db.execute(sql: "PRAGMA query_only = 1")
    }
    do {
      let stamp = location.isFrozen ? file.stamp() : nil
      let queue = try DatabaseQueue(path: location.path, configuration: configuration)
      try queue.read { db in try refuseForeign(db, path: path) }
      return FileReader(path: path, queue: queue, frozen: stamp)
    } catch DatabaseError.SQLITE_READONLY_ROLLBACK {
      guard HotJournal.rollBack(file) else { throw HotJournal.refusal(file) }
      return try openForReading(path)
    } catch let error as DatabaseError where usesLog {
      throw unreadableLog(file, error)
    } catch {
      throw GradlogError(error, path: path)
    }
  }
}

// MARK: - Refusals

extension DatabaseFile {
  private static func refuseUnlessReadable(_ file: FileOnDisk) throws(GradlogError) {
    switch try file.kind() {
    case .missing:
      throw GradlogError(
        .notFound, "there is no file '\(file.path)'",
        remedy: "check the path, or name the file with --db or $GRADLOG_DB")
    case .folder:
      throw GradlogError(
        .notAGradlogFile, "'\(file.path)' is a folder",
        remedy: "name the file inside it that gradlog recorded")
    case .other:
      throw GradlogError(
        .notAGradlogFile, "'\(file.path)' is not a regular file",
        remedy: "give a file that gradlog recorded")
    case .plainFile(bytes: 0):
      throw GradlogError(
        .notAGradlogFile, "'\(file.path)' is empty: nothing was recorded in it",
        remedy: "give a file that gradlog recorded")
    case .plainFile:
      guard file.isReadable else {
        throw GradlogError(
          .storage, "'\(file.path)' cannot be read: permission denied",
          remedy: "ask its owner, or change it with: chmod +r '\(file.path)'")
      }
    }
  }

  static func refuseForeign(_ db: Database, path: String) throws {
    let identity = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    guard identity == Int64(Schema.applicationID) else {
      throw GradlogError(
        .notAGradlogFile, "'\(path)' is an SQLite database that gradlog did not write",
        remedy: "give a file that gradlog recorded")
    }
    let version = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    guard version <= Schema.version else {
      throw GradlogError(
        .newerFile,
        "'\(path)' has format \(version) and this gradlog reads up to format \(Schema.version)",
        remedy: "install a newer gradlog")
    }
    let views = "SELECT count(*) FROM sqlite_schema WHERE type = 'view' AND name = 'gradients'"
    guard try Int64.fetchOne(db, sql: views) == 1 else {
      throw GradlogError.damaged(path, "the view gradients is missing")
    }
  }
}

// MARK: - The write-ahead log

extension DatabaseFile {
  /// What to give SQLite for a file that is to be read.
  ///
  /// A file in WAL mode without a log is complete in itself, but SQLite would create a log and an
  /// index beside it, and fail where it may not. Opened as immutable it is read as it stands.
  /// https://www.sqlite.org/uri.html
  static func readingLocation(
    of file: FileOnDisk, usesLog: Bool
  ) throws(GradlogError) -> (path: String, isFrozen: Bool) {
    let understandsURIs = sqlite3_compileoption_used("USE_URI") != 0
    guard usesLog, understandsURIs, try !hasLog(file) else { return (file.absolutePath, false) }
    return (file.immutableURI, true)
  }

  private static func hasLog(_ file: FileOnDisk) throws(GradlogError) -> Bool {
    switch try file.log.kind() {
    case .missing: false
    // An empty log holds nothing. It only counts where a recorder might be about to fill it.
    case .plainFile(bytes: 0): file.folder.isWritable
    default: true
    }
  }

  private static func unreadableLog(_ file: FileOnDisk, _ error: DatabaseError) -> GradlogError {
    let code = error.resultCode
    guard code == .SQLITE_CANTOPEN || code == .SQLITE_READONLY, file.log.stamp() != nil else {
      return GradlogError(error, path: file.path)
    }
    return GradlogError(
      .storage,
      "'\(file.path)' has a log beside it, '\(file.path)-wal', in a folder that cannot "
        + "be written",
      remedy: "copy both files to a folder that you may write to, and read the copy")
  }
}
