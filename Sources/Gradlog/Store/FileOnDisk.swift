internal import Foundation
internal import GRDB
internal import GRDBSQLite

/// What the file system says of a path, before SQLite is asked to open it.
///
/// SQLite answers "unable to open database file" to most mistakes; looking first tells them apart.
/// Permissions are asked of access(2), which also reports read-only mounts; for root it grants
/// everything else, as the kernel does.
struct FileOnDisk {
  let path: String

  /// Resolved against the working directory, so that no path ("file:x", ":memory:", "") is anything
  /// but a file to SQLite.
  let absolutePath: String

  init(_ path: String) {
    self.path = path
    absolutePath =
      path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  enum Kind {
    case missing
    case folder
    case plainFile(bytes: Int)
    case other
  }

  func kind() throws(GradlogError) -> Kind {
    var status = stat()
    guard stat(absolutePath, &status) == 0 else {
      let reason = errno
      if reason == ENOENT || reason == ENOTDIR { return .missing }
      throw GradlogError(
        .storage, "'\(path)' cannot be reached (\(String(cString: strerror(reason))))",
        remedy: "check the path and the permissions of its folders")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .plainFile(bytes: Int(status.st_size))
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  var exists: Bool { access(absolutePath, F_OK) == 0 }

  var isReadable: Bool { access(absolutePath, R_OK) == 0 }

  var isWritable: Bool { access(absolutePath, W_OK) == 0 }

  /// Bytes that are free on its disk; as many as can be where that is unknown.
  var freeBytes: Int {
    var disk = statvfs()
    guard statvfs(absolutePath, &disk) == 0 else { return .max }
    let (bytes, overflow) = Int(clamping: disk.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: disk.f_frsize))
    return overflow ? .max : bytes
  }

  var folder: FileOnDisk {
    let name = absolutePath.lastIndex(of: "/") ?? absolutePath.endIndex
    return FileOnDisk(name == absolutePath.startIndex ? "/" : String(absolutePath[..<name]))
  }

  /// The write-ahead log that SQLite keeps beside the file.
  var log: FileOnDisk { FileOnDisk(absolutePath + "-wal") }

  /// The first 100 bytes, SQLite's header; none when the file is shorter.
  ///
  /// Read through SQLite, which closes no descriptor of a file on which this process has locks.
  func header() throws(GradlogError) -> [UInt8] {
    var connection: SQLiteConnection?
    defer { sqlite3_close(connection) }
    let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
    var handle: UnsafeMutablePointer<sqlite3_file>?
    // Immutable, so that neither lock nor log is looked at.
    guard sqlite3_open_v2(immutableURI, &connection, flags, nil) == SQLITE_OK,
      sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &handle) == SQLITE_OK,
      let handle, let read = handle.pointee.pMethods?.pointee.xRead
    else {
      let reason = String(cString: strerror(sqlite3_system_errno(connection)))
      throw GradlogError(
        .storage, "'\(path)' cannot be read (\(reason))",
        remedy: "check the permissions of the file")
    }
    var bytes = [UInt8](repeating: 0, count: 100)
    switch read(handle, &bytes, 100, 0) {
    case SQLITE_OK: return bytes
    case ResultCode.SQLITE_IOERR_SHORT_READ.rawValue: return []
    default:
      throw GradlogError(
        .storage, "'\(path)' cannot be read",
        remedy: "check the disk, or copy the file to another one")
    }
  }

  /// What SQLite calls the file when it is to take it for one that never changes.
  var immutableURI: String {
    // What a URI reserves; "/" stays.
    let allowed = CharacterSet(charactersIn: "/-._~").union(.alphanumerics)
    let escaped = absolutePath.addingPercentEncoding(withAllowedCharacters: allowed)
    return "file:\(escaped ?? absolutePath)?immutable=1"
  }

  /// Size and time of the last change; two equal stamps mean that nobody wrote in between.
  func stamp() -> FileStamp? {
    var status = stat()
    guard stat(absolutePath, &status) == 0 else { return nil }
    #if os(Linux)
    let changed = status.st_mtim
    #else
    let changed = status.st_mtimespec
    #endif
    return FileStamp(
      file: UInt64(status.st_ino), bytes: Int(status.st_size), seconds: Int(changed.tv_sec),
      nanoseconds: Int(changed.tv_nsec))
  }
}

/// See ``FileOnDisk/stamp()``.
struct FileStamp: Sendable, Equatable {
  let file: UInt64
  let bytes: Int
  let seconds: Int
  let nanoseconds: Int
}
