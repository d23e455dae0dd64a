internal import Foundation
internal import Gradlog

/// Reads a whole file.
///
/// - Parameters:
///   - path: where it is.
///   - kind: what it should be, for the message.
/// - Returns: its bytes.
/// - Throws: `notFound` with the reason of the system.
func fileContents(_ path: String, kind: String) throws(GradlogError) -> [UInt8] {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw GradlogError(
      .notFound, "there is no \(kind) at \(path)", remedy: "check the path")
  }
  if isDirectory.boolValue {
    throw GradlogError(.notFound, "\(path) is a folder", remedy: "name a \(kind) in it")
  }
  do {
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    throw GradlogError(
      .notFound, "the \(kind) \(path) cannot be read", remedy: "check its permissions")
  }
}
