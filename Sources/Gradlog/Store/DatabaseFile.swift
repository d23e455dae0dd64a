internal import Foundation
package import GRDB
internal import GRDBSQLite

/// Opens and closes the file of `docs/FileFormat.md`, and says in a sentence why it will not.
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

  /// Opens a recording to add to it, or creates one.
  ///
  /// The identity of a file that exists is checked through a read-only connection before anything
  /// else, so a file that is not ours is left untouched. An empty file counts as a new one.
  ///
  /// - Throws: the same sentences as ``openForReading(_:)``, and others when the file or its folder
  ///   cannot be written.
  package static func openForRecording(_ path: String) throws(GradlogError) -> DatabaseQueue {
    let file = FileOnDisk(path)
    let isNew = try refuseUnlessWritable(file)
    if !isNew { try openForReading(path).close() }

    do {
      let queue = try DatabaseQueue(path: file.absolutePath, configuration: recording)
      try Schema.migrator.migrate(queue)
      // Until the first checkpoint the identity of a new file is in the log alone.
      try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.passive) }
      return queue
    } catch {
      if isNew { discard(file) }
      throw GradlogError(error, path: path)
    }
  }

  /// Closes a file that was recorded to, and leaves one plain file when nobody else has it open:
  /// no log beside it, readable from a folder that cannot be written.
  ///
  /// While another connection holds the file it stays as it is, which any reader understands.
  ///
  /// - Throws: when what is in the log cannot be moved into the file, because the disk is full say.
  ///   Nothing is lost then: the log stays.
  package static func finish(_ queue: DatabaseQueue) throws(GradlogError) {
    do {
      try queue.writeWithoutTransaction { db in
        // Another connection is no reason to wait: this is a courtesy to the next reader.
        try db.execute(sql: "PRAGMA busy_timeout = 100")
        do {
          try db.execute(sql: "PRAGMA journal_mode = DELETE")
        } catch DatabaseError.SQLITE_BUSY, DatabaseError.SQLITE_LOCKED {
          _ = try? db.checkpoint(.passive)
        }
      }
      try queue.close()
    } catch {
      let failure = GradlogError(error, path: queue.path)
      try? queue.close()
      throw failure
    }
  }

  /// The connection that records: 64 KiB pages write large tensors twice as fast as small
  /// ones, and a small cache keeps dirty pages warm until they are written.
  private static var recording: Configuration {
    var configuration = Configuration()
    configuration.label = "gradlog.recorder"
    configuration.busyMode = .timeout(10)
    configuration.foreignKeysEnabled = false
    configuration.journalMode = .wal
    configuration.prepareDatabase { db in
      // Only counts before the first page is written, so it comes before the journal mode.
      try db.execute(sql: "PRAGMA page_size = 65536")
      try db.execute(sql: "PRAGMA cache_size = -2000")
      try db.execute(sql: "PRAGMA synchronous = NORMAL")
    }
    return configuration
  }

  private static func discard(_ file: FileOnDisk) {
    for suffix in ["", "-wal", "-shm", "-journal"] {
      unlink(file.absolutePath + suffix)
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

  /// Whether the file is new: missing or empty.
  private static func refuseUnlessWritable(_ file: FileOnDisk) throws(GradlogError) -> Bool {
    let folder = file.folder
    switch try file.kind() {
    case .missing:
      guard case .folder = try folder.kind() else {
        throw GradlogError(
          .notFound, "there is no folder '\(folder.path)' for '\(file.path)'",
          remedy: "create it with: mkdir -p '\(folder.path)'")
      }
      try refuseUnwritable(folder, of: file)
      return true
    case .folder:
      throw GradlogError(
        .invalidArgument, "'\(file.path)' is a folder",
        remedy: "name a file to record to, such as '\(file.path)/gradlog.db'")
    case .other:
      throw GradlogError(
        .invalidArgument, "'\(file.path)' is not a regular file", remedy: "record to another path")
    case .plainFile(let bytes):
      try refuseUnwritable(folder, of: file)
      guard file.isWritable else {
        throw GradlogError(
          .storage, "'\(file.path)' is read-only",
          remedy: "record to another file, or change it with: chmod +w '\(file.path)'")
      }
      return bytes == 0
    }
  }

  /// SQLite keeps its log beside the file, so the folder counts also when the file exists.
  private static func refuseUnwritable(
    _ folder: FileOnDisk, of file: FileOnDisk
  ) throws(GradlogError) {
    guard folder.isWritable else {
      throw GradlogError(
        .storage, "the folder of '\(file.path)' cannot be written",
        remedy: "record to a folder that you may write to")
    }
  }

  private static func refuseForeign(_ db: Database, path: String) throws {
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
  private static func readingLocation(
    of file: FileOnDisk, usesLog: Bool
  ) throws(GradlogError) -> (path: String, isFrozen: Bool) {
    let understandsURIs = sqlite3_compileoption_used("USE_URI") != 0
    guard usesLog, understandsURIs, try !hasLog(file) else { return (file.absolutePath, false) }
    // What a URI reserves; "/" stays.
    let allowed = CharacterSet(charactersIn: "/-._~").union(.alphanumerics)
    guard let escaped = file.absolutePath.addingPercentEncoding(withAllowedCharacters: allowed)
    else { return (file.absolutePath, false) }
    return ("file:\(escaped)?immutable=1", true)
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
