import Foundation
import GRDB
import Gradlog
import Testing

/// `gradlog prune` through the built command: whole outputs, exit codes, and what is left.
@Suite struct PruneCommandTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.recordMLP("two.db", run: "old", batches: 20)
    try place.recordMLP("two.db", run: "new", batches: 20)
  }

  private static let header = "run,rank,batches,gradients_with_values,value_bytes\r\n"

  /// The gradients that have values, as `run epoch batch weight`, joined.
  private func kept(_ condition: String = "1") throws -> [String] {
    let outcome = try place.gradlog(
      "sql",
      "SELECT run, epoch, batch, weight FROM gradients WHERE encoding IS NOT NULL AND "
        + "\(condition) ORDER BY gradient_id", "--db", "two.db")
    return outcome.output.split(separator: "\r\n").dropFirst().map {
      String($0.replacing(",", with: " "))
    }
  }

  private func expectSound(_ file: String = "two.db") throws {
    let outcome = try place.gradlog("verify", file)
    #expect(outcome.code == 0, "\(outcome.output)")
  }

  @Test func valuesOfAPartAreDropped() throws {
    let before = try place.gradlog(
      "sql", "SELECT run, weight, norm, abs_median FROM gradients", "--db", "two.db"
    ).output
    let outcome = try place.gradlog(
      "prune", "two.db", "--values", "--run", "old", "--epoch", "..0", "--weight", "k*")
    #expect(outcome.code == 0)
    #expect(outcome.output == Self.header + "old,0,10,10,80\r\n")
    let talk = outcome.talk.split(separator: "\n")
    #expect(talk.first == "dropping the values of 10 gradients, 80 bytes, from 'two.db'")
    #expect(talk.count == 2 && talk[1].hasPrefix("two.db: "))
    let kept = try kept()
    #expect(kept.count == 70)
    #expect(!kept.contains { $0.hasPrefix("old 0 ") && $0.hasSuffix("kernel") })
    #expect(
      try place.gradlog(
        "sql", "SELECT run, weight, norm, abs_median FROM gradients", "--db", "two.db"
      ).output == before)
    #expect(try place.names == ["runs.db", "two.db"])
    try expectSound()
    let show = try place.gradlog(
      "show", "--db", "two.db", "--run", "old", "--weight", "kernel", "--epoch", "0", "--batch",
      "0",
      "--format", "csv")
    #expect(
      show.talk == "gradlog: the values of 'kernel' were not captured; "
        + "choose another batch, or leave out --format to see what was recorded\n")
  }

  @Test func aDryRunChangesNothing() throws {
    let file = URL(fileURLWithPath: place.folder + "/two.db")
    let before = try Data(contentsOf: file)
    #expect(
      try place.gradlog("prune", "two.db", "--values", "--all", "--dry-run")
        == Outcome(
          code: 0, output: Self.header + "old,0,20,40,240\r\nnew,0,20,40,240\r\n",
          talk: "would drop the values of 80 gradients, 480 bytes, from 'two.db'\n"))
    #expect(
      try place.gradlog("prune", "--db", "two.db", "--delete-run", "new", "--dry-run")
        == Outcome(
          code: 0, output: Self.header + "new,0,20,40,240\r\n",
          talk: "would drop 20 batches with 240 bytes of values from 'two.db'\n"))
    #expect(try Data(contentsOf: file) == before)
  }

  @Test func aRunIsDeleted() throws {
    let outcome = try place.gradlog("prune", "two.db", "--delete-run", "old")
    #expect(outcome.code == 0)
    #expect(outcome.output == Self.header + "old,0,20,40,240\r\n")
    let counts = try place.gradlog(
      "sql",
      """
      SELECT (SELECT group_concat(name) FROM runs) AS runs, (SELECT count(*) FROM weights) AS weights,
        (SELECT count(*) FROM batches) AS batches, (SELECT count(*) FROM gradient_statistics) AS rows,
        (SELECT count(*) FROM gradient_values) AS tensors
      """, "--db", "two.db")
    #expect(counts.output == "runs,weights,batches,rows,tensors\r\nnew,2,20,40,40\r\n")
    try expectSound()
    // It can be recorded anew, and what is there goes on.
    try place.recordMLP("two.db", run: "old", batches: 2)
    #expect(try kept("run = 'old'").count == 4)
    try expectSound()
  }

  @Test func oneRankIsDeletedAlone() throws {
    var options = GradientRecorder.Options()
    (options.rank, options.worldSize) = (1, 2)
    try GradientRecorder.record(to: place.folder + "/two.db", run: "old", options: options) {
      $0.record(epoch: 0, batch: 0) { $0.add("kernel", [Float(1)], shape: [1]) }
    }
    let none = try place.gradlog("prune", "two.db", "--delete-run", "old", "--rank", "2")
    #expect(none.output == Self.header)
    #expect(none.talk.hasPrefix("There is nothing to drop in 'two.db'.\n"))
    let outcome = try place.gradlog("prune", "two.db", "--delete-run", "old", "--rank", "1")
    #expect(outcome.output == Self.header + "old,1,1,1,4\r\n")
    #expect(try kept("run = 'old'").count == 40)
    try expectSound()
  }

  @Test func valuesAroundFindingsAreSpared() throws {
    try place.record(
      "two.db",
      """
      DELETE FROM findings;
      INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, advice) VALUES (1, 1, 'exploding', 'warning', 5, 11, 4, '');
      INSERT INTO findings (run_id, rule, severity, first_batch_id, last_batch_id, batch_count,
        advice) SELECT run_id, 'noise-scale', 'info', min(batch_id), max(batch_id), 4, ''
        FROM batches WHERE run_id = 2
      """)
    let outcome = try place.gradlog(
      "prune", "two.db", "--values", "--all", "--except-findings", "1")
    #expect(outcome.output == Self.header + "old,0,14,28,168\r\nnew,0,20,40,240\r\n")
    #expect(
      try kept("weight = 'bias'") == [
        "old 0 3 bias", "old 0 4 bias", "old 0 5 bias", "old 0 9 bias", "old 1 0 bias",
        "old 1 1 bias",
      ])
    try expectSound()
  }

  @Test func onlyOldBatchesAreDropped() throws {
    try place.record(
      "two.db", "UPDATE batches SET recorded_at = recorded_at - 40 * 86400 WHERE batch_id <= 3")
    let outcome = try place.gradlog("prune", "two.db", "--values", "--older-than", "30d")
    #expect(outcome.output == Self.header + "old,0,3,6,36\r\n")
    let again = try place.gradlog("prune", "two.db", "--values", "--older-than", "30d")
    #expect(again.code == 0)
    #expect(again.output == Self.header)
    #expect(again.talk.hasPrefix("There is nothing to drop in 'two.db'.\n"))
  }

  @Test func theSpaceIsGivenBackOrKept() throws {
    try place.recordMLP("large.db", run: "r", batches: 20, kernel: 100_000)
    func size() throws -> Int {
      try Data(contentsOf: URL(fileURLWithPath: place.folder + "/large.db")).count
    }
    let before = try size()
    #expect(before > 8_000_000)
    let bare = ["large.db", "--values", "--all", "--no-compact"]
    #expect(try place.shell("\"$0\" prune \(bare.joined(separator: " "))").code == 0)
    #expect(try size() >= before)
    #expect(try place.shell("chmod 640 large.db; ln -s large.db link.db").code == 0)
    let outcome = try place.gradlog("prune", "link.db", "--compact")
    #expect(outcome.output.isEmpty)
    #expect(outcome.talk.hasPrefix("link.db: 8.") && outcome.talk.hasSuffix(" KiB now\n"))
    #expect(try size() < 1_200_000)
    #expect(
      try place.shell("stat -c '%a %F' large.db link.db").output.contains("640 regular file\n"))
    #expect(try place.shell("stat -c %F link.db").output == "symbolic link\n")
    try expectSound("large.db")
  }

  @Test func aRunThatIsBeingRecordedIsRefused() throws {
    let recorder = try GradientRecorder(path: place.folder + "/two.db", run: "live")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0], shape: [1]) }
    try recorder.flush()
    let refusal = try place.gradlog("prune", "two.db", "--delete-run", "live")
    #expect(
      refusal
        == Outcome(
          code: 1, output: "",
          talk: "gradlog: run 'live' in 'two.db' is being recorded; wait until that has ended\n"))
    #expect(try place.gradlog("prune", "two.db", "--values", "--all").code == 1)
    #expect(try place.gradlog("prune", "two.db", "--compact").code == 1)
    // Another run of the file may lose values meanwhile; its space must stay.
    let other = try place.gradlog("prune", "two.db", "--values", "--run", "old")
    #expect(other.code == 1)
    #expect(
      other.talk.hasSuffix(
        "gradlog: 'two.db' is open in another program, so its free space cannot be given back; "
          + "close that, then run: gradlog prune --compact --db 'two.db'\n"))
    #expect(try kept("run = 'old'").isEmpty)
    recorder.record(epoch: 0, batch: 1) { $0.add("w", [1.0], shape: [1]) }
    try recorder.close()
    #expect(try kept("run = 'live'").count == 2)
    try expectSound()
  }

  @Test(arguments: [
    ("", "Say what to drop"), ("--values", "Say of what to drop the values"),
    ("--values --except-findings 3", "Say of what to drop the values"),
    ("--values --all --run old", "--all is everything"),
    ("--delete-run old --values --all", "Give one of"), ("--compact --run old", "need --values"),
    ("--delete-run old --epoch 3", "need --values"),
    ("--values --all --rank 1", "--rank belongs to a run"),
    ("--values --older-than 30", "whole number"),
    ("--values --all --except-findings -1", "0 or more"), ("--compact --no-compact", "exclude"),
  ])
  func whatIsNotChosenIsNotDropped(_ arguments: String, _ sentence: String) throws {
    let file = URL(fileURLWithPath: place.folder + "/two.db")
    let before = try Data(contentsOf: file)
    let outcome = try place.shell("\"$0\" prune two.db \(arguments)")
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.talk.contains(sentence), "\(outcome.talk)")
    #expect(try Data(contentsOf: file) == before)
  }

  @Test func aMisspeltNameDropsNothing() throws {
    #expect(
      try place.gradlog("prune", "two.db", "--delete-run", "odl")
        == Outcome(
          code: 1, output: "",
          talk: "gradlog: there is no run 'odl' in 'two.db'; did you mean 'old'?\n"))
    #expect(try place.gradlog("prune", "two.db", "--values", "--weight", "x*").code == 1)
    #expect(try kept().count == 80)
  }
}
