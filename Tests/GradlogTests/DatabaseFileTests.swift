import Foundation
import GRDB
import Testing

@testable import Gradlog

/// Every file that is refused, word for word, and the ways in which a recording may lie on disk.
@Suite struct DatabaseFileTests {
  // MARK: Refusals

  @Test func aMissingFileIsRefused() throws {
    #expect(
      try refusal(of: "/nowhere/runs.db")
        == GradlogError(
          .notFound, "there is no file '/nowhere/runs.db'",
          remedy: "check the path, or name the file with --db or $GRADLOG_DB"))
  }

  @Test func aFolderIsRefused() throws {
    let folder = try ScratchFolder()
    #expect(
      try refusal(of: folder.path).description
        == "'\(folder.path)' is a folder; name the file inside it that gradlog recorded")
  }

  @Test func aDeviceIsRefused() throws {
    #expect(
      try refusal(of: "/dev/null").description
        == "'/dev/null' is not a regular file; give a file that gradlog recorded")
  }

  @Test func anEmptyFileIsRefused() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("empty.db", "")
    #expect(
      try refusal(of: path).description
        == "'\(path)' is empty: nothing was recorded in it; give a file that gradlog recorded")
  }

  @Test(arguments: [
    "x", "epoch,batch\n0,0\n", "SQLite format 4\0" + String(repeating: "x", count: 200),
  ])
  func aFileThatIsNotSQLiteIsRefused(content: String) throws {
    let folder = try ScratchFolder()
    let path = try folder.file("data.csv", content)
    let error = try refusal(of: path)
    #expect(error.code == .notAGradlogFile)
    #expect(
      error.description
        == "'\(path)' is not an SQLite database; give a file that gradlog recorded")
  }

  @Test func aDatabaseOfAnotherProgramIsRefusedAndLeftAlone() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/other.db"
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: "CREATE TABLE t (a); PRAGMA user_version = 7") }
    try queue.close()
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let sentence =
      "'\(path)' is an SQLite database that gradlog did not write; "
      + "give a file that gradlog recorded"
    #expect(try refusal(of: path).description == sentence)
    #expect(throws: GradlogError.self) { try DatabaseFile.openForRecording(path) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    #expect(try folder.names == ["other.db"])
  }

  @Test func aNewerFileIsRefusedAndLeftAlone() throws {
    let folder = try ScratchFolder()
    let path = try folder.recording()
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: "PRAGMA user_version = 5") }
    try queue.close()
    let error = GradlogError(
      .newerFile, "'\(path)' has format 5 and this gradlog reads up to format 4",
      remedy: "install a newer gradlog")
    #expect(try refusal(of: path) == error)
    #expect(throws: error) { try DatabaseFile.openForRecording(path) }
  }

  @Test func aDamagedFileIsRefused() throws {
    let folder = try ScratchFolder()
    let path = try folder.recording()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    // The b-tree of the schema, after the header that identifies the file.
    bytes.replaceSubrange(100..<4_000, with: Data(repeating: 0xAB, count: 3_900))
    try bytes.write(to: URL(fileURLWithPath: path))
    let error = try refusal(of: path)
    #expect(error.code == .notAGradlogFile)
    #expect(error.problem == "'\(path)' is damaged (database disk image is malformed)")
    #expect(
      error.remedy
        == "restore a copy, or save what can be read with: sqlite3 '\(path)' .recover")
  }

  @Test func aFileWithoutTheViewIsRefused() throws {
    let folder = try ScratchFolder()
    let path = try folder.recording()
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: "DROP VIEW gradients") }
    try queue.close()
    #expect(try refusal(of: path).problem == "'\(path)' is damaged (the view gradients is missing)")
  }

  @Test(.disabled(if: geteuid() == 0, "root may read everything"))
  func anUnreadableFileIsRefused() throws {
    let folder = try ScratchFolder()
    let path = try folder.recording()
    chmod(path, 0)
    #expect(
      try refusal(of: path).description
        == "'\(path)' cannot be read: permission denied; "
        + "ask its owner, or change it with: chmod +r '\(path)'")
  }

  @Test func recordingIntoAMissingFolderIsRefused() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/deep/runs.db"
    #expect(
      throws: GradlogError(
        .notFound, "there is no folder '\(folder.path)/deep' for '\(path)'",
        remedy: "create it with: mkdir -p '\(folder.path)/deep'")
    ) { try DatabaseFile.openForRecording(path) }
  }

  @Test func recordingIntoAFolderIsRefused() throws {
    let folder = try ScratchFolder()
    #expect(
      throws: GradlogError(
        .invalidArgument, "'\(folder.path)' is a folder",
        remedy: "name a file to record to, such as '\(folder.path)/gradlog.db'")
    ) { try DatabaseFile.openForRecording(folder.path) }
  }

  @Test func recordingOverAnotherFileIsRefused() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("notes.txt", "not yours")
    #expect(throws: GradlogError.self) { try DatabaseFile.openForRecording(path) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "not yours")
  }

  // MARK: Settings

  @Test func aNewFileHasTheSettingsOfTheFormat() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("runs.db", "")
    let queue = try DatabaseFile.openForRecording(path)
    let settings = [
      "page_size": "65536", "journal_mode": "wal", "synchronous": "1", "cache_size": "-8000",
      "foreign_keys": "0", "journal_size_limit": "134217728", "application_id": "1735549284",
      "user_version": "4",
    ]
    for (name, value) in settings {
      let actual = try queue.read { try String.fetchOne($0, sql: "PRAGMA \(name)") }
      #expect(actual == value, "\(name)")
    }
    try DatabaseFile.finish(queue)
    #expect(try folder.names == ["runs.db"])
  }

  @Test func recordingAgainKeepsWhatIsThere() throws {
    let folder = try ScratchFolder()
    let path = try folder.recording(runs: 1)
    let queue = try DatabaseFile.openForRecording(path)
    try queue.write { try $0.execute(sql: ScratchFolder.insertRun) }
    try DatabaseFile.finish(queue)
    #expect(try runCount(path) == 2)
  }

  // MARK: Reading

  @Test func aFinishedRecordingIsOneFileAndReadingLeavesItSo() throws {
    let folder = try ScratchFolder()
    let path = try folder.recording(runs: 3)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(try runCount(path) == 3)
    #expect(try folder.names == ["runs.db"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func aFileInLogModeWithoutALogIsReadAndNothingAppearsBesideIt() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/with ? & % # ü.db"
    try folder.recordingInLogMode(path, runs: 2)
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path)))[19] == 2)
    #expect(try runCount(path) == 2)
    #expect(try folder.names == ["with ? & % # ü.db"])
  }

  @Test(.disabled(if: geteuid() == 0, "root may write everywhere"))
  func aReadOnlyFileInAReadOnlyFolderIsRead() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    try folder.recordingInLogMode(path, runs: 2)
    chmod(path, 0o444)
    chmod(folder.path, 0o555)
    defer { chmod(folder.path, 0o755) }
    #expect(try runCount(path) == 2)
  }

  @Test func aReaderSeesWhatARecorderCommitted() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    let recorder = try DatabaseFile.openForRecording(path)
    try recorder.write { try $0.execute(sql: ScratchFolder.insertRun) }
    let reader = try DatabaseFile.openForReading(path)
    let count = "SELECT count(*) FROM runs"
    #expect(try reader.queue.read { try Int.fetchOne($0, sql: count) } == 1)
    try recorder.write { try $0.execute(sql: ScratchFolder.insertRun) }
    #expect(try reader.queue.read { try Int.fetchOne($0, sql: count) } == 2)
    try reader.close()
    try DatabaseFile.finish(recorder)
    #expect(try folder.names == ["runs.db"])
  }

  @Test func finishingWhileAnotherConnectionReadsNeitherWaitsNorFails() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    let recorder = try DatabaseFile.openForRecording(path)
    try recorder.write { try $0.execute(sql: ScratchFolder.insertRun) }
    let reader = try DatabaseFile.openForReading(path)
    _ = try reader.queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM runs") }
    let start = ContinuousClock.now
    try DatabaseFile.finish(recorder)
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(
      try reader.queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM runs") } == 1)
    try reader.close()
    #expect(try runCount(path) == 1)
  }

  @Test func aReaderOfAFrozenFileNoticesThatItChanged() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    try folder.recordingInLogMode(path, runs: 1)
    let reader = try DatabaseFile.openForReading(path)
    try reader.verifyUnchanged()
    try folder.recordingInLogMode(path, runs: 1)
    #expect(
      throws: GradlogError(
        .storage, "'\(path)' changed while it was being read: a recorder has just opened it",
        remedy: "run the command again")
    ) { try reader.verifyUnchanged() }
    try reader.close()
  }

  @Test func aReaderCannotWrite() throws {
    let folder = try ScratchFolder()
    let reader = try DatabaseFile.openForReading(try folder.recording())
    for sql in ["DELETE FROM runs", "CREATE TABLE t (a)", "CREATE TEMP TABLE t (a)"] {
      #expect(throws: DatabaseError.self) {
        try reader.queue.read { try $0.execute(sql: sql) }
      }
    }
    try reader.close()
  }

  // MARK: -

  private func refusal(of path: String) throws -> GradlogError {
    try #require(throws: GradlogError.self) { try DatabaseFile.openForReading(path) }
  }

  private func runCount(_ path: String) throws -> Int? {
    let reader = try DatabaseFile.openForReading(path)
    let count = try reader.queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM runs") }
    try reader.verifyUnchanged()
    try reader.close()
    return count
  }
}
