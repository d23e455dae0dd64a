package import GRDB

/// A recording that is open for reading.
package struct FileReader: Sendable {
  /// The path as the user gave it.
  package let path: String

  /// The read-only connection.
  package let queue: DatabaseQueue

  /// What the file looked like when it was opened as one that does not change; nil when SQLite's
  /// locks protect the reader.
  private let frozen: FileStamp?

  init(path: String, queue: DatabaseQueue, frozen: FileStamp?) {
    self.path = path
    self.queue = queue
    self.frozen = frozen
  }

  /// Checks that nobody wrote to the file since it was opened, where SQLite does not see to it.
  ///
  /// - Throws: when what was read may be a mixture of two states.
  package func verifyUnchanged() throws(GradlogError) {
    guard let frozen, FileOnDisk(path).stamp() != frozen else { return }
    throw GradlogError(
      .storage, "'\(path)' changed while it was being read: a recorder has just opened it",
      remedy: "run the command again")
  }

  /// Closes the connection.
  package func close() throws(GradlogError) {
    do {
      try queue.close()
    } catch {
      throw GradlogError(error, path: path)
    }
  }
}
