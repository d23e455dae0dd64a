internal import Foundation
package import GRDB

extension DatabaseFile {
  /// Opens a recording to add to it, or creates one.
  ///
  /// The identity of a file that exists is checked before anything is written, so a file that is not
  /// ours is left untouched. An empty file, or a database without a single table, counts as a new one.
  ///
  /// - Throws: the same sentences as ``openForReading(_:)``, and others when the file or its folder
  ///   cannot be written.
  package static func openForRecording(
    _ path: String, journal: RecordingJournal = RecordingJournal()
  ) throws(GradlogError) -> DatabaseQueue {
    let file = FileOnDisk(path)
    do {
      if try refuseUnlessWritable(file) { try NewFile.create(file) }
      // Other processes may be opening or closing the file at the same moment, and SQLite does not
      // wait for a lock each time that it needs one then.
      let deadline = monotonicSeconds() + 10
      while true {
        do {
          return try open(file, journal)
        } catch DatabaseError.SQLITE_BUSY where monotonicSeconds() < deadline {
          usleep(.random(in: 2_000...20_000))
        }
      }
    } catch {
      throw GradlogError(error, path: path)
    }
  }

  private static func open(_ file: FileOnDisk, _ journal: RecordingJournal) throws -> DatabaseQueue
  {
    let identity = try identity(of: file)
    if identity == .foreign { try openForReading(file.path).close() }
    let queue = try DatabaseQueue(
      path: file.absolutePath, configuration: recording(journal))
    do {
      if identity == .gradlog { try queue.read { try refuseForeign($0, path: file.path) } }
      try Schema.migrator.migrate(queue)
      return queue
    } catch {
      try? queue.close()
      // Another process may have filled an empty file at the same moment.
      let isOurs = (try? Self.identity(of: file)) == .gradlog
      guard identity == .none, isOurs else { throw error }
      throw DatabaseError(resultCode: .SQLITE_BUSY)
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
        // The log beside the path may be another file's by now.
        guard !db.fileHasMoved else { return }
        // Another connection is no reason to wait: this is a courtesy to the next reader.
        try db.execute(sql: "PRAGMA busy_timeout = 100")
        do {
          try db.execute(sql: "PRAGMA journal_mode = DELETE")
        } catch DatabaseError.SQLITE_BUSY, DatabaseError.SQLITE_LOCKED {
          _ = try? db.checkpoint(.truncate)
        }
      }
      try queue.close()
    } catch {
      let failure = GradlogError(error, path: queue.path)
      try? queue.close()
      throw failure
    }
  }

  /// Opens a second connection to a file that is open for recording, for its ``Checkpointer``.
  ///
  /// - Throws: whatever SQLite throws.
  static func openForCheckpoints(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "gradlog.checkpoints"
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA synchronous = NORMAL")
      // SQLite learns here that there is a log.
      _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema")
    }
    return try DatabaseQueue(path: FileOnDisk(path).absolutePath, configuration: configuration)
  }

  /// The connection that records: 64 KiB pages write large tensors twice as fast as small
  /// ones, and a small cache keeps dirty pages warm until they are written. It must not be smaller than
  /// a gradient is as a rule: pages of a table's ends would leave it and come back within a transaction,
  /// and for a page that it writes twice to the log SQLite reads again all that came after the first time.
  private static func recording(_ journal: RecordingJournal) -> Configuration {
    var configuration = Configuration()
    configuration.label = "gradlog.recorder"
    // SQLite's own waiting may starve beside a busy recorder, see ``WriteTurn``: at least 10 s.
    configuration.busyMode = .callback { attempts in
      usleep(.random(in: 1_000...2_000))
      return attempts < 10_000
    }
    configuration.foreignKeysEnabled = false
    if journal.mode == .wal { configuration.journalMode = .wal }
    configuration.prepareDatabase { db in
      // Only counts before the first page is written, so it comes before the journal mode.
      try db.execute(sql: "PRAGMA page_size = \(Schema.pageSize)")
      try db.execute(sql: "PRAGMA cache_size = -8000")
      try db.execute(sql: "PRAGMA synchronous = NORMAL")
      try db.execute(sql: "PRAGMA wal_autocheckpoint = \(journal.logLimit / Schema.pageSize)")
      // A log that a reader made long becomes short again when it is started over.
      try db.execute(sql: "PRAGMA journal_size_limit = \(journal.logLimit)")
      if journal.mode == .rollback { try db.execute(sql: "PRAGMA journal_mode = TRUNCATE") }
    }
    return configuration
  }
}

/// How a connection that records keeps its journal.
package struct RecordingJournal: Sendable {
  /// See ``GradientRecorder/Options/Journal``.
  var mode = GradientRecorder.Options.Journal.wal
  /// Bytes of the write-ahead log after which it is moved into the file, and to which it is cut.
  var logLimit = 128 << 20

  /// The defaults.
  package init() {}
}

// MARK: - Refusals

extension DatabaseFile {
  private enum Identity {
    case gradlog
    case foreign
    /// No table yet: an empty file, or one whose creation was interrupted.
    case none
  }

  /// Whose file it is, by its header; a format that is too new counts as foreign.
  private static func identity(of file: FileOnDisk) throws -> Identity {
    switch try file.kind() {
    case .missing, .plainFile(bytes: 0): return .none
    default: break
    }
    let header = try file.header()
    guard header.count == 100 else { return .foreign }
    func number(at offset: Int) -> UInt32 {
      header[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    let (version, application) = (number(at: 60), number(at: 68))
    if application == UInt32(Schema.applicationID) && version <= Schema.version { return .gradlog }
    guard application == 0, version == 0 else { return .foreign }
    return isBlank(file) ? .none : .foreign
  }

  private static func isBlank(_ file: FileOnDisk) -> Bool {
    var configuration = Configuration()
    configuration.readonly = true
    let queue = try? DatabaseQueue(path: file.absolutePath, configuration: configuration)
    defer { try? queue?.close() }
    let count = try? queue?.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_schema") }
    return count == 0
  }

  /// Whether the file is missing.
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
    case .plainFile:
      try refuseUnwritable(folder, of: file)
      guard file.isWritable else {
        throw GradlogError(
          .storage, "'\(file.path)' is read-only",
          remedy: "record to another file, or change it with: chmod +w '\(file.path)'")
      }
      return false
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
}
