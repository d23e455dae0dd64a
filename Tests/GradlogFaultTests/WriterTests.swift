import Foundation
import Glibc
import Testing

extension FaultTests {
  /// Eight processes that begin on a file that does not exist, and record eight runs into it.
  @Test(arguments: [2, 8]) func processesShareAFile(processes: Int) throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let batches = Effort.pick(short: 150, soak: 5_000)
    let children = try (0..<processes).map { number in
      try Child(
        "RecorderProbe",
        ["record", file.path, "run \(number)", "batches=\(batches)", "floats=20000", "flush=10"])
    }
    for child in children {
      #expect(child.wait(atMost: 600) == 0, "\(child.output) \(child.talk)")
      #expect(child.talk == "")
    }
    try file.expectSound()
    #expect(try file.batches().count == processes * batches)
    #expect(try folder.names == ["runs.db"])
    Effort.report("\(processes) processes in one file: \(processes * batches) batches, none lost")
  }

  /// Recorders that come and go on one file, so that opening meets closing at every stage.
  @Test func processesComeAndGo() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let rounds = Effort.pick(short: 5, soak: 100)
    let lanes = 4
    for round in 0..<rounds {
      let children = try (0..<lanes).map { lane in
        try Child(
          "RecorderProbe",
          ["record", file.path, "run \(lane) \(round)", "batches=\(3 * lane + 1)", "floats=100"])
      }
      for child in children { #expect(child.wait() == 0, "\(child.output) \(child.talk)") }
    }
    try file.expectSound()
    let expected = rounds * (0..<lanes).reduce(0) { $0 + 3 * $1 + 1 }
    #expect(try file.count("SELECT count(*) FROM batches") == expected)
    Effort.report("recorders that come and go: \(rounds * lanes), none failed")
  }
}
