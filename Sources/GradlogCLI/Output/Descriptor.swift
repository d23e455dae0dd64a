internal import Foundation
internal import Gradlog

/// The reader of our output has closed it, as `head` does: no failure, but no reason to go on.
struct ReaderIsGone: Error {}

/// Writes all bytes to a file descriptor.
///
/// - Throws: ``ReaderIsGone``, or a sentence about `name`.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, name: String) throws {
  var rest = bytes
  while !rest.isEmpty {
    let written = write(descriptor, rest.baseAddress, rest.count)
    if written >= 0 {
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    } else if errno == EPIPE {
      throw ReaderIsGone()
    } else if errno != EINTR {
      throw outputFailure(name, errno)
    }
  }
}

/// What went wrong with an output, in words.
func outputFailure(_ name: String, _ code: Int32) -> GradlogError {
  switch code {
  case ENOSPC, EDQUOT:
    GradlogError(
      .storage, "the disk is full: \(name) cannot be written",
      remedy: "free some space, or write elsewhere")
  case EACCES, EPERM, EROFS:
    GradlogError(
      .storage, "\(name) cannot be written: \(String(cString: strerror(code)))",
      remedy: "write to a folder that you may write to")
  case ENOENT, ENOTDIR:
    GradlogError(
      .storage, "\(name) cannot be written: its folder does not exist",
      remedy: "create the folder first")
  default:
    GradlogError(
      .storage, "\(name) cannot be written: \(String(cString: strerror(code)))",
      remedy: "check the disk, or write elsewhere")
  }
}
