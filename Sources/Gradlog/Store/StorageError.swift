internal import GRDB

extension GradlogError {
  /// Puts a failure of SQLite into words: the only place that knows SQLite's result codes.
  ///
  /// - Parameters:
  ///   - error: what GRDB threw. A ``GradlogError`` is passed on as it is.
  ///   - path: the file that was being read or written.
  package init(_ error: any Error, path: String) {
    switch error {
    case let error as GradlogError: self = error
    case let error as DatabaseError: self = .storage(error, path: path)
    default:
      self.init(.storage, "'\(path)' cannot be used: \(error)", remedy: "")
    }
  }

  private static func storage(_ error: DatabaseError, path: String) -> GradlogError {
    // A damaged schema is quoted whole by SQLite; its first line says enough.
    let message = error.message?.split(whereSeparator: \.isNewline).first.map(String.init)
    let detail = message ?? "SQLite code \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_FULL:
      return GradlogError(
        .storage, "the disk is full: '\(path)' cannot grow",
        remedy: "free some space; what was committed before is kept")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return GradlogError(
        .storage, "'\(path)' is locked by another program",
        remedy: "wait until that program has finished or close it, then try again")
    case .SQLITE_READONLY:
      return GradlogError(
        .storage, "'\(path)' cannot be written (\(detail))",
        remedy: "make the file and its folder writable, or copy the file elsewhere")
    case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
      return GradlogError(
        .storage, "'\(path)' cannot be opened (\(detail))",
        remedy: "check the permissions of the file and of its folder")
    case .SQLITE_CORRUPT:
      return .damaged(path, detail)
    case .SQLITE_NOTADB:
      return .notADatabase(path)
    case .SQLITE_IOERR:
      return GradlogError(
        .storage, "the file system failed under '\(path)' (\(detail))",
        remedy: "check the disk, or copy the file to another one")
    case .SQLITE_NOMEM, .SQLITE_TOOBIG:
      return GradlogError(
        .storage, "'\(path)' holds more than fits into memory (\(detail))",
        remedy: "ask for fewer rows or columns")
    default:
      return GradlogError(.storage, "SQLite refused '\(path)': \(detail)", remedy: "")
    }
  }

  static func damaged(_ path: String, _ detail: String) -> GradlogError {
    GradlogError(
      .notAGradlogFile, "'\(path)' is damaged (\(detail))",
      remedy: "restore a copy, or save what can be read with: sqlite3 '\(path)' .recover")
  }

  static func notADatabase(_ path: String) -> GradlogError {
    GradlogError(
      .notAGradlogFile, "'\(path)' is not an SQLite database",
      remedy: "give a file that gradlog recorded")
  }
}
