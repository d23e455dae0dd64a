internal import GRDB

/// The rollback journal of a program that was killed in the middle of a transaction.
///
/// Until somebody with the right to write has undone that transaction, SQLite lets nobody read. gradlog
/// itself leaves one when it is killed while it switches the file to a write-ahead log or back.
enum HotJournal {
  /// Undoes what the killed program had not committed; whether that is done.
  static func rollBack(_ file: FileOnDisk) -> Bool {
    guard file.isWritable, file.folder.isWritable else { return false }
    var configuration = Configuration()
    configuration.label = "gradlog.rollback"
    configuration.busyMode = .timeout(10)
    do {
      let queue = try DatabaseQueue(path: file.absolutePath, configuration: configuration)
      // Reading is enough: SQLite looks for a journal before it reads the first page.
      try queue.writeWithoutTransaction { db in
        _ = try Int64.fetchOne(db, sql: "PRAGMA user_version")
      }
      try queue.close()
    } catch {
      return false
    }
    switch try? FileOnDisk(file.absolutePath + "-journal").kind() {
    case .missing, .plainFile(bytes: 0): return true
    default: return false
    }
  }

  /// Why a file with a journal beside it cannot be read.
  static func refusal(_ file: FileOnDisk) -> GradlogError {
    GradlogError(
      .storage,
      "'\(file.path)' has the journal of a killed program beside it, '\(file.path)-journal', "
        + "which cannot be undone here",
      remedy: "copy both files to a folder that you may write to, and read the copy")
  }
}
