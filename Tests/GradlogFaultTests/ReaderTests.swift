import Foundation
import GRDB
import Glibc
import Testing

extension FaultTests {
  /// Questions asked in a loop, and one reader that holds its view of the file all the while.
  @Test func readersAndTheRecorderDoNotHinderEachOther() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let batches = Effort.pick(short: 1_500, soak: 60_000)
    let child = try Child(
      "RecorderProbe",
      ["record", file.path, "r", "batches=\(batches)", "floats=5000", "flush=100", "pause=500"])
    child.waitForOutput("flushed")
    let holder = try DatabaseQueue(path: file.path)
    var questions = 0
    try holder.read { db in
      let held = try Int.fetchOne(db, sql: "SELECT count(*) FROM batches")
      while child.isRunning {
        for arguments in [["query", "by-depth"], ["query", "vanishing"], ["runs"]] {
          let answer = try Child("gradlog", arguments + ["--db", file.path])
          #expect(answer.wait() == 0, "\(answer.talk)")
          questions += 1
        }
        if child.output.contains("closed") { break }
      }
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM batches") == held)
    }
    try holder.close()
    #expect(child.wait() == 0, "\(child.output) \(child.talk)")
    try file.expectSound()
    #expect(try file.batches().count == batches)
    Effort.report("\(questions) questions during \(batches) batches: none locked, none lost")
  }
}
