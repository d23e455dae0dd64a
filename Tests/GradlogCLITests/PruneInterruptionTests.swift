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
      let seconds = 0.02 + 0.02 * Double(attempt)
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

  /// Copies the file in the middle of a transaction: what a program leaves that is killed there.
  private func copyInTransaction(to copy: String) throws {
    let queue = try DatabaseQueue(path: place.folder + "/kept.db")
    try queue.writeWithoutTransaction { db in
      try db.inTransaction {
        try db.execute(sql: "DELETE FROM gradient_values")
        _ = try place.shell("for end in '' -journal; do cp kept.db$end \(copy)$end; done")
        return .rollback
      }
    }
  }

  @Test func whatWasNotCommittedIsUndone() throws {
    try copyInTransaction(to: "large.db")
    #expect(try place.names.contains("large.db-journal"))
    #expect(try sql(Self.values + "'gone'") == "200")
    #expect(try place.gradlog("verify", "large.db").code == 0)
    #expect(try place.names.filter { $0.hasPrefix("large.db") } == ["large.db"])
  }

  @Test(.enabled(if: geteuid() == 0, "needs root to become somebody who may not write"))
  func aJournalThatCannotBeUndoneIsExplained() throws {
    _ = try place.shell("mkdir locked")
    try copyInTransaction(to: "locked/large.db")
    let outcome = try place.shell(
      """
      cp "$0" command; chmod 755 command; chmod 444 locked/*; chmod 555 locked
      setpriv --reuid 65534 --clear-groups ./command runs locked/large.db
      """)
    #expect(
      outcome
        == Outcome(
          code: 1, output: "",
          talk: "gradlog: 'locked/large.db' has the journal of a killed program beside it, "
            + "'locked/large.db-journal', which cannot be undone here; "
            + "copy both files to a folder that you may write to, and read the copy\n"))
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
      try db.inTransaction(.immediate) {
        let outcome = try place.gradlog("prune", "large.db", "--compact")
        #expect(outcome.code == 1)
        #expect(outcome.talk.contains("is open in another program"))
        return .rollback
      }
      try db.inTransaction(.deferred) {
        #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM batches") == 105)
        let compacted = try place.gradlog("prune", "large.db", "--compact")
        #expect(compacted.code == 0, "\(compacted.talk)")
        #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM gradient_statistics") == 210)
        return .rollback
      }
    }
  }
}
