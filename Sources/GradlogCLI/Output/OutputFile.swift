internal import Foundation
internal import Gradlog

/// A file that appears under its name only when it is complete.
///
/// The bytes go to a temporary name in the same folder, which is flushed to the disk and renamed at
/// the end, and removed when anything fails or the user interrupts.
struct OutputFile {
  private let path: String
  private let target: Target

  private enum Target {
    case temporary(name: String, place: String, descriptor: Int32)
    /// A device or a pipe, which cannot be replaced.
    case existing(descriptor: Int32)
  }

  init(_ path: String) throws {
    self.path = path
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw GradlogError(
        .invalidArgument, "'\(path)' is a folder", remedy: "name a file inside it")
    }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      let descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw outputFailure("'\(path)'", errno) }
      target = .existing(descriptor: descriptor)
      return
    }
    // A link stays a link: what it leads to is replaced.
    let place = exists ? try Self.resolved(path) : path
    if exists { try Self.refuseDatabase(path) }
    let name = place + ".\(getpid()).partial"
    let descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw outputFailure("'\(path)'", errno) }
    if exists { fchmod(descriptor, status.st_mode & 0o7777) }
    target = .temporary(name: name, place: place, descriptor: descriptor)
    Interruption.removes(name)
  }

  private static func resolved(_ path: String) throws -> String {
    guard let resolved = realpath(path, nil) else { throw outputFailure("'\(path)'", errno) }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// A slip such as `--output runs.db` must not replace a recording.
  private static func refuseDatabase(_ path: String) throws {
    guard let file = FileHandle(forReadingAtPath: path) else { return }
    defer { try? file.close() }
    guard try file.read(upToCount: 16) == Data("SQLite format 3\0".utf8) else { return }
    throw GradlogError(
      .invalidArgument, "'\(path)' is an SQLite database, perhaps the recording itself",
      remedy: "write to another file, or remove that one first")
  }

  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    switch target {
    case .temporary(_, _, let descriptor), .existing(let descriptor):
      try writeAll(bytes, to: descriptor, name: "'\(path)'")
    }
  }

  /// Makes the file appear under its name.
  func finish() throws {
    switch target {
    case .existing(let descriptor): close(descriptor)
    case .temporary(let name, let place, let descriptor):
      guard fsync(descriptor) == 0, close(descriptor) == 0, rename(name, place) == 0 else {
        throw outputFailure("'\(path)'", errno)
      }
      Interruption.removesNothing()
    }
  }

  /// Removes what was written.
  func discard() {
    switch target {
    case .existing(let descriptor): close(descriptor)
    case .temporary(let name, _, let descriptor):
      close(descriptor)
      unlink(name)
      Interruption.removesNothing()
    }
  }
}

/// Removes a half-written file when the user interrupts.
private enum Interruption {
  /// Read by a signal handler, which may use neither locks nor memory: a plain C string that is set
  /// before the handler is installed and cleared after it is taken away, on the one thread that takes
  /// signals: the others are libdispatch's, which block them.
  nonisolated(unsafe) static var name: UnsafeMutablePointer<CChar>?

  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  static func removes(_ path: String) {
    name = strdup(path)
    // A parent that starts us from a thread with blocked signals, as libdispatch's are, passes that
    // on; then nobody could interrupt.
    var set = sigset_t()
    sigemptyset(&set)
    for number in signals { sigaddset(&set, number) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    for number in signals {
      signal(number) { number in
        if let name = Interruption.name { unlink(name) }
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  static func removesNothing() {
    for number in signals { signal(number, SIG_DFL) }
    free(name)
    name = nil
  }
}
