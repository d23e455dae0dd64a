import Foundation
import GRDB
import Gradlog
import Testing

/// Pruning is killed, stopped, or runs out of disk: nothing is half done.
@Suite struct PruneInterruptionTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.recordMLP("kept.db", run: "kept", batches: 5, kernel: 1000)
    try place.recordMLP("kept.db", run: "gone", batches: 100, kernel: 100_000)
  }

  private func sql(_ query: String) throws -> String {
    try place.gradlog("sql", query, "--db", "large.db").output
      .split(separator: "\r\n").dropFirst().joined(separator: ";")
  }

  private static let values = "SELECT count(*) FROM gradients WHERE encoding IS NOT NULL AND run = "

  /// Kills the command after each of these seconds, and looks at what it leaves.
  @Test(arguments: ["--values --run gone", "--delete-run gone"])
  func aKilledPruningLeavesASoundFile(_ arguments: String) throws {
    var unfinished = 0
    for attempt in 0..<10 {
      let seconds = 0.02 + 0.03 * Double(attempt)
      _ = try place.shell("cp kept.db large.db; rm -f large.db-*")
      let outcome = try place.shell(
        """
        "$0" prune large.db \(arguments) >.rows & pid=$!; sleep \(seconds); kill -KILL $pid
        wait $pid; code=$?; rm -f .rows; exit $code
        """)
      if outcome.code == 137 { unfinished += 1 }
      let verified = try place.gradlog("verify", "large.db")
      #expect(verified.code == 0, "after \(seconds) s: \(verified.output) \(verified.talk)")
      #expect(try sql(Self.values + "'kept'") == "10")
      // Both gradients of a batch have their values, or neither has.
      #expect(
        try sql(
          """
          SELECT count(*) FROM (SELECT batch_id FROM gradients GROUP BY batch_id
            HAVING count(encoding) NOT IN (0, 2))
          """) == "0")
      // The same command goes on from there.
      let again = try place.gradlog("verify", "large.db").code
      #expect(again == 0)
      let rest = try place.shell("\"$0\" prune large.db \(arguments) >.rows 2>&1; rm .rows")
      #expect(rest.code == 0)
      #expect(try sql(Self.values + "'gone'") == "0")
      _ = try place.shell("\"$0\" prune large.db --compact")
      #expect(try place.names.filter { $0.hasPrefix("large.db") } == ["large.db"])
      let size = try Data(contentsOf: URL(fileURLWithPath: place.folder + "/large.db")).count
      #expect(size < 4_000_000)
    }
    #expect(unfinished > 0, "no pruning was killed in time")
  }

  @Test func anInterruptedPruningSaysSoAndLeavesNothingBeside() throws {
    _ = try place.shell("cp kept.db large.db")
    let outcome = try place.shell(
      """
      "$0" prune large.db --values --run gone >.rows & pid=$!; sleep 0.1; kill -INT $pid
      wait $pid; echo $?; rm .rows
      """)
    #expect(try place.names.filter { $0.hasPrefix("large.db") } == ["large.db"])
    #expect(try place.gradlog("verify", "large.db").code == 0)
    if outcome.output == "130\n" {
      #expect(outcome.talk.contains("gradlog: interrupted; the recording is sound, "))
    } else {
      // It was done before the signal came.
      #expect(outcome.output == "0\n")
    }
  }

  /// The copy may not grow beyond a limit, as on a full disk; the file itself stays as it was.
  @Test func aFullDiskLeavesTheFileAsItWas() throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: place.folder + "/kept.db"))
    let outcome = try place.shell("trap '' XFSZ; ulimit -f 20000; \"$0\" prune kept.db --compact")
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.talk.split(separator: "\n").count == 1)
    #expect(try place.names == ["kept.db", "runs.db"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.folder + "/kept.db")) == before)
  }

  /// What a killed compaction leaves is not taken for anything, and goes with the next one.
  @Test func aLeftOverCopyIsRemoved() throws {
    _ = try place.shell("cp kept.db large.db; echo half a copy >large.db-compact")
    #expect(try place.gradlog("prune", "large.db", "--compact").code == 0)
    #expect(try place.names.filter { $0.hasPrefix("large.db") } == ["large.db"])
    #expect(try sql(Self.values + "'gone'") == "200")
    #expect(try place.gradlog("verify", "large.db").code == 0)
  }

  /// A reader that has the file open goes on with what it sees; a writer is kept out.
  @Test func readersGoOnAndWritersKeepTheirSpace() throws {
    _ = try place.shell("cp kept.db large.db")
    let queue = try DatabaseQueue(path: place.folder + "/large.db")
    try queue.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      let outcome = try place.gradlog("prune", "large.db", "--compact")
      #expect(outcome.code == 1)
      #expect(outcome.talk.contains("is open in another program"))
      try db.execute(sql: "COMMIT")
      try db.execute(sql: "BEGIN")
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM batches") == 105)
      let compacted = try place.gradlog("prune", "large.db", "--compact")
      #expect(compacted.code == 0, "\(compacted.talk)")
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM gradient_statistics") == 210)
      try db.execute(sql: "COMMIT")
    }
  }
}
