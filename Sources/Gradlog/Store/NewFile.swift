internal import Foundation
internal import GRDB

/// Makes the file of a new recording.
enum NewFile {
  /// Makes a file without any run where there is none.
  ///
  /// It appears under its name complete or not at all: other processes may begin at the same moment,
  /// or this one may be killed. Who comes second uses the file of the first.
  static func create(_ file: FileOnDisk) throws {
    let folder = open(file.folder.absolutePath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(folder) }
    // Without locks or hard links, as on some network file systems, SQLite makes the file in place.
    guard flock(folder, LOCK_EX) == 0, !file.exists else { return }
    let draft = file.absolutePath + ".new"
    // One may be left by a process that was killed.
    unlink(draft)
    defer { unlink(draft) }
    try write(draft)
    // The log of a file that was deleted would be taken for the new one's.
    for suffix in ["-wal", "-shm", "-journal"] { unlink(file.absolutePath + suffix) }
    link(draft, file.absolutePath)
  }

  private static func write(_ draft: String) throws {
    var configuration = Configuration()
    configuration.label = "gradlog.draft"
    configuration.foreignKeysEnabled = false
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA page_size = \(Schema.pageSize)")
      // A draft that is not finished is thrown away.
      try db.execute(sql: "PRAGMA journal_mode = MEMORY")
    }
    let queue = try DatabaseQueue(path: draft, configuration: configuration)
    do {
      try Schema.migrator.migrate(queue)
      try queue.close()
    } catch {
      try? queue.close()
      throw error
    }
  }
}
