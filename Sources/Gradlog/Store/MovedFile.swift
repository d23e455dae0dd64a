internal import GRDB
internal import GRDBSQLite

extension Database {
  /// Whether the path no longer leads to the file that this connection has open: it was deleted,
  /// renamed or replaced. SQLite goes on writing into the file without a name.
  var fileHasMoved: Bool {
    var hasMoved: CInt = 0
    let code = sqlite3_file_control(sqliteConnection, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved)
    return code == SQLITE_OK && hasMoved != 0
  }
}

extension GradlogError {
  static func moved(_ path: String) -> GradlogError {
    GradlogError(
      .storage, "'\(path)' was deleted, renamed or replaced while it was being recorded",
      remedy: "put the file back, or stop and record to a path that stays; "
        + "nothing is written to another file under that name")
  }
}
