import Foundation
import GRDB
import Glibc
import Testing

extension FaultTests {
  /// `kill -9` at a random moment, from the very first on, again and again on the same file.
  @Test func aKilledRecorderLosesNothingThatWasFlushed() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    var flushed: Set<String> = []
    var random = SystemRandomNumberGenerator()
    let kills = Effort.pick(short: 12, soak: 200)
    for kill in 0..<kills {
      // Odd kills meet batches of several pages each, even ones hundreds of small batches.
      let settings =
        kill.isMultiple(of: 2)
        ? ["small", "floats=20", "flush=3"] : ["large", "floats=60000", "flush=1"]
      let child = try Child("RecorderProbe", ["record", file.path] + settings)
      usleep(.random(in: 5_000...(kill < 4 ? 60_000 : 400_000), using: &random))
      child.send(SIGKILL)
      #expect(child.wait() == -SIGKILL, "\(child.talk)")
      flushed.formUnion(child.lines("flushed").map { settings[0] + " " + $0 })
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      let runs = try run("gradlog", "runs", file.path, "--format", "csv")
      #expect(runs.code == 0, "\(runs.talk)")
      #expect(runs.output.contains("interrupted") || child.lines("begin").isEmpty)
      guard kill % 10 == 9 || kill == kills - 1 || kill < 4 else { continue }
      try file.expectSound()
      #expect(try flushed.subtracting(file.batches()) == [])
    }
    #expect(!flushed.isEmpty)
    for (name, floats) in [("small", 20), ("large", 60_000)] {
      let resumed = try run(
        "RecorderProbe", "record", file.path, name, "batches=5", "floats=\(floats)")
      #expect(resumed.code == 0, "\(resumed.output) \(resumed.talk)")
    }
    try file.expectSound()
    #expect(try flushed.subtracting(file.batches()) == [])
    #expect(try !run("gradlog", "runs", file.path).output.contains("interrupted"))
    #expect(try folder.names == ["runs.db"])
    Effort.report("kill -9, \(kills) times: all of \(flushed.count) flushes are in the file")
  }

  /// A file that was killed before the first table was in it is as good as a new one.
  @Test func aFileWithoutAnyTableIsRecordedTo() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let queue = try DatabaseQueue(path: file.path)
    try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
    try queue.close()
    let probe = try run("RecorderProbe", "record", file.path, "r", "batches=3")
    #expect(probe.code == 0, "\(probe.output)")
    #expect(try file.count("SELECT count(*) FROM batches") == 3)
  }
}
