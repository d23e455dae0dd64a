import Foundation
import GRDB
import Glibc
import Testing

extension FaultTests {
  /// The disk fills up in the middle of a training, and has room again later.
  @Test(.enabled(if: ScratchFolder.canMount, "mounting a small disk needs root"))
  func aFullDiskIsSurvived() throws {
    let folder = try ScratchFolder()
    let disk = try folder.mountSmallDisk(megabytes: 24)
    let file = RecordedFile(path: disk + "/runs.db")
    let ballast = disk + "/ballast"
    try Data(count: 12 << 20).write(to: URL(fileURLWithPath: ballast))
    // 0.4 MB each: it is full after some 20 of 40 batches in each phase.
    let child = try Child(
      "RecorderProbe",
      ["record", file.path, "r", "batches=60", "floats=100000", "pause=60000"])
    while child.isRunning, child.talk.isEmpty { usleep(2_000) }
    #expect(child.talk.contains("the disk is full"), "\(child.talk)")
    try file.expectSound()
    let before = try file.batches().count
    #expect(before > 0)
    unlink(ballast)
    #expect(child.wait() == 1)
    try file.expectSound()
    let after = try file.batches().count
    #expect(after > before)
    #expect(child.lines("failed:").first?.contains("the disk is full") ?? false)

    let dropped = 60 - after
    #expect(child.lines("dropped") == ["\(dropped)"])
    #expect(try file.count("SELECT dropped_batches FROM runs") == dropped)
    // Said once when it begins; the tally is thrown at the end.
    #expect(child.talk.split(separator: "\n").count == 1, "\(child.talk)")
    #expect(child.lines("failed:").first?.contains("not in the file: \(dropped) batches") ?? false)
    let runs = try run("gradlog", "runs", file.path, "--format", "csv").output
    #expect(runs.contains("finished") && runs.contains(",\(dropped),"), "\(runs)")
    #expect(runs.contains("the disk is full"), "\(runs)")
    Effort.report("full disk: \(after) of 60 batches kept, \(dropped) counted")
  }

  /// A disk that stays full to the end: what was committed is kept, the file is sound.
  @Test(.enabled(if: ScratchFolder.canMount, "mounting a small disk needs root"))
  func aDiskThatStaysFullLeavesASoundFile() throws {
    let folder = try ScratchFolder()
    let disk = try folder.mountSmallDisk(megabytes: 8)
    let file = RecordedFile(path: disk + "/runs.db")
    let probe = try run(
      "RecorderProbe", "record", file.path, "r", "batches=60", "floats=100000", "flush=0",
      "pause=20000")
    #expect(probe.code == 1)
    #expect(probe.talk.contains("the disk is full"), "\(probe.talk)")
    let runs = try run("gradlog", "runs", file.path, "--format", "csv").output
    #expect(runs.contains("the disk is full"), "\(runs)")
    let copy = RecordedFile(path: folder.path + "/runs.db")
    for suffix in ["", "-wal"] where access(file.path + suffix, F_OK) == 0 {
      try FileManager.default.copyItem(atPath: file.path + suffix, toPath: copy.path + suffix)
    }
    try copy.expectSound()
    let (kept, dropped) = (
      try copy.batches().count, try copy.count("SELECT dropped_batches FROM runs")
    )
    #expect(kept + dropped == 60)
    Effort.report("disk full to the end: \(kept) of 60 batches kept, \(dropped) counted")
  }

  @Test(.enabled(if: ScratchFolder.canMount, "mounting a small disk needs root"))
  func aReadOnlyDiskIsRefusedInASentence() throws {
    let folder = try ScratchFolder()
    let disk = try folder.mountSmallDisk(megabytes: 8)
    _ = try run("RecorderProbe", "record", disk + "/runs.db", "r", "batches=1")
    try folder.freeze(disk)
    for name in ["runs.db", "new.db"] {
      let probe = try run("RecorderProbe", "record", "\(disk)/\(name)", "s")
      #expect(probe.code == 1)
      #expect(
        probe.output
          == "failed: the folder of '\(disk)/\(name)' cannot be written; "
          + "record to a folder that you may write to\n")
    }
    #expect(try run("gradlog", "runs", disk + "/runs.db").code == 0)
  }

  /// A disk that lets the recorder write now and then only. The training waits, in little memory.
  @Test func aSlowDiskMakesTheTrainingWaitInBoundedMemory() throws {
    let (child, file) = try recordWhileLocked(["batches=250"])
    #expect(child.wait() == 0, "\(child.output) \(child.talk)")
    try file.expectSound()
    #expect(try file.batches().count == 250)
    // The stream is 100 MB, the bound 16 MB; the process itself takes some 30 MB.
    let peak = try #require(child.lines("peak").first.flatMap { Int($0) })
    #expect(peak < 80_000, "\(peak) KiB")
    Effort.report("slow disk: 100 MB through 16 MiB of buffers, peak \(peak) KiB")
  }

  /// The same with `overflow: .drop`: the training does not wait, and every drop is counted.
  @Test func aSlowDiskWithDropsCountsThem() throws {
    let (child, file) = try recordWhileLocked(["batches=250", "drop=1", "pause=100"])
    #expect(child.wait() == 1)
    #expect(child.output.contains("the disk is slower than the training"))
    try file.expectSound()
    let kept = try file.batches().count
    let dropped = try #require(child.lines("dropped").first.flatMap { Int($0) })
    #expect(dropped > 0 && kept > 0)
    #expect(kept + dropped == 250)
    #expect(try file.count("SELECT dropped_batches FROM runs") == dropped)
    let peak = try #require(child.lines("peak").first.flatMap { Int($0) })
    #expect(peak < 80_000, "\(peak) KiB")
    Effort.report("slow disk with drops: \(kept) kept, \(dropped) dropped and counted")
  }

  /// Records while another connection holds the write lock most of the time.
  private func recordWhileLocked(_ settings: [String]) throws -> (Child, RecordedFile) {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let child = try Child(
      "RecorderProbe",
      ["record", file.path, "r", "floats=100000", "memory=16777216"] + settings)
    child.waitForOutput("begin")
    let queue = try DatabaseQueue(path: file.path)
    for _ in 0..<8 where child.isRunning {
      try queue.writeWithoutTransaction { db in
        while (try? db.execute(sql: "BEGIN IMMEDIATE")) == nil { usleep(500) }
        usleep(150_000)
        try db.execute(sql: "ROLLBACK")
      }
      usleep(10_000)
    }
    try queue.close()
    child.keep(folder)
    return (child, file)
  }
}
