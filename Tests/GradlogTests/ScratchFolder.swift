import Foundation
import GRDB

@testable import Gradlog

/// A folder of its own for one test, removed with it.
final class ScratchFolder {
  let path: String

  /// One more run, with a name that no other has.
  static let insertRun = """
    INSERT INTO runs (name, stage, started_at) SELECT 'run ' || count(*), 'raw', 0 FROM runs
    """

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// What lies in the folder, sorted.
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }

  func file(_ name: String, _ content: String) throws -> String {
    let file = path + "/" + name
    try Data(content.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// A finished recording.
  func recording(runs: Int = 0) throws -> String {
    let file = path + "/runs.db"
    let queue = try DatabaseFile.openForRecording(file)
    for _ in 0..<runs { try queue.write { try $0.execute(sql: Self.insertRun) } }
    try DatabaseFile.finish(queue)
    return file
  }

  /// A recording as other programs leave it: closed, with a header that still says WAL.
  func recordingInLogMode(_ file: String, runs: Int) throws {
    let queue = try DatabaseFile.openForRecording(file)
    for _ in 0..<runs { try queue.write { try $0.execute(sql: Self.insertRun) } }
    try queue.close()
  }
}
