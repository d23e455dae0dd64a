internal import Foundation

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

  var isReadable: Bool { access(absolutePath, R_OK) == 0 }

  var isWritable: Bool { access(absolutePath, W_OK) == 0 }

  var folder: FileOnDisk {
    FileOnDisk(String(absolutePath[..<(absolutePath.lastIndex(of: "/") ?? absolutePath.endIndex)]))
  }

  /// The write-ahead log that SQLite keeps beside the file.
  var log: FileOnDisk { FileOnDisk(absolutePath + "-wal") }

  /// The first 100 bytes, or fewer when the file is shorter: SQLite's header.
  func header() throws(GradlogError) -> [UInt8] {
    let descriptor = open(absolutePath, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw GradlogError(
        .storage, "'\(path)' cannot be read (\(String(cString: strerror(errno))))",
        remedy: "check the permissions of the file")
    }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = read(descriptor, &bytes, bytes.count)
    guard count >= 0 else {
      throw GradlogError(
        .storage, "'\(path)' cannot be read (\(String(cString: strerror(errno))))",
        remedy: "check the disk, or copy the file to another one")
    }
    return Array(bytes.prefix(count))
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
