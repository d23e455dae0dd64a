import Foundation
import Glibc
import Testing

extension FaultTests {
  enum Removal: CaseIterable {
    case deleted
    case renamed
    case replaced
    case folderRenamed
  }

  /// SQLite would go on writing into a file without a name, and say nothing.
  @Test(arguments: Removal.allCases) func aFileThatVanishesIsReported(removal: Removal) throws {
    let scratch = try ScratchFolder()
    let folder = scratch.path + "/runs"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = folder + "/runs.db"
    let other = RecordedFile(path: scratch.path + "/other.db")
    _ = try run("RecorderProbe", "record", other.path, "other", "batches=7")

    let child = try Child(
      "RecorderProbe", ["record", path, "r", "batches=200", "pause=5000"])
    child.waitForOutput("begin")
    usleep(400_000)
    switch removal {
    case .deleted: unlink(path)
    case .renamed: rename(path, folder + "/kept.db")
    case .replaced: rename(other.path, path)
    case .folderRenamed: rename(folder, scratch.path + "/elsewhere")
    }
    #expect(child.wait() == 1)
    let dropped = try #require(child.lines("dropped").first.flatMap { Int($0) })
    #expect((1..<200).contains(dropped))
    #expect(
      child.talk.hasPrefix(
        "gradlog: '\(path)' was deleted, renamed or replaced while it was being recorded"),
      "\(child.talk)")
    #expect(child.talk.split(separator: "\n").count == 1, "\(child.talk)")

    switch removal {
    case .deleted:
      // The same name can be recorded to at once, whatever the first recorder left beside it.
      let again = RecordedFile(path: path)
      #expect(try run("RecorderProbe", "record", path, "again", "batches=5").code == 0)
      try again.expectSound()
      #expect(try again.batches().count == 5)
    case .renamed:
      // What was committed before is in the file, without the log that has the old name.
      let kept = RecordedFile(path: folder + "/kept.db")
      try kept.expectSound()
      #expect(try kept.batches().count == 200 - dropped)
    case .folderRenamed:
      let kept = RecordedFile(path: scratch.path + "/elsewhere/runs.db")
      try kept.expectSound()
      #expect(try kept.batches().count == 200 - dropped)
    case .replaced:
      // Opened with the first recorder's log beside it, it would be taken for its own.
      unlink(path + "-wal")
      unlink(path + "-shm")
      try RecordedFile(path: path).expectSound()
      #expect(try RecordedFile(path: path).batches().count == 7)
    }
    Effort.report("file \(removal): reported, \(dropped) batches counted")
  }

  @Test func aFileThatComesBackIsRecordedToAgain() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let child = try Child(
      "RecorderProbe", ["record", file.path, "r", "batches=200", "pause=5000"])
    child.waitForOutput("begin")
    usleep(400_000)
    rename(file.path, folder.path + "/away.db")
    usleep(400_000)
    rename(folder.path + "/away.db", file.path)
    #expect(child.wait() == 1)
    try file.expectSound()
    let kept = try file.batches()
    #expect(kept.contains("r 0 0") && kept.contains("r 0 199"))
    #expect(child.lines("dropped") == ["\(200 - kept.count)"])
    #expect(try file.count("SELECT dropped_batches FROM runs") == 200 - kept.count)
  }
}
