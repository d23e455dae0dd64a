import GRDB
import Testing

@testable import Gradlog

/// The rows of `findings`, whatever becomes of transactions and recorders.
@Suite struct FindingTableTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  private static let summary = """
    SELECT rule, severity, weights.name, first.batch, last.batch, batch_count FROM findings
    LEFT JOIN weights USING (weight_id)
    LEFT JOIN batches AS first ON first.batch_id = first_batch_id
    LEFT JOIN batches AS last ON last.batch_id = last_batch_id ORDER BY rule, weights.name
    """

  /// Records a gradient of one element for each value, from a batch on.
  private func record(
    _ values: [Float], from first: Int = 0, overlap: GradientRecorder.Options.Overlap = .refuse,
    lossScale: Double? = nil
  ) throws {
    var options = GradientRecorder.Options()
    options.overlap = overlap
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      for (index, value) in values.enumerated() {
        recorder.record(BatchContext(epoch: 0, batch: first + index, lossScale: lossScale)) {
          $0.add("w", [value], shape: [1])
        }
      }
    }
  }

  @Test func aResumedRunGoesOnWithWhatItSaid() throws {
    try record([1, .nan, .nan, 1])
    try record([1, .infinity], from: 4)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "5", "3"]])
    try record([1, 1], from: 6)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "5", "3"]])
  }

  @Test func aMilderWordDoesNotReplaceAWorseOne() throws {
    try record([.nan, 1])
    let before = try rows(path, "SELECT severity, value, evidence, advice FROM findings")
    // With a loss scale, one infinity is information.
    try record([.infinity, 1], from: 2, lossScale: 65536)
    #expect(try rows(path, "SELECT severity, value, evidence, advice FROM findings") == before)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "0", "2", "2"]])
  }

  @Test func aWorseWordReplacesAMilderOne() throws {
    try record([.infinity, 1], lossScale: 65536)
    try record([.nan, 1], from: 2)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "0", "2", "2"]])
  }

  @Test func whatIsReplacedTakesItsFindingsAlong() throws {
    try record([1, 1, .nan, .nan])
    try record([1, 1, 1], from: 2, overlap: .replace)
    #expect(try rows(path, "SELECT * FROM findings") == [])
    try record([.nan], from: 4, overlap: .replace)
    // Neither the batches nor the count of what is gone.
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "4", "4", "1"]])
  }

  @Test func aFindingInReplacedBatchesIsNotCountedTwice() throws {
    try record([1, 1, .nan, .nan])
    try record([1, .nan, 1], from: 2, overlap: .replace)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "3", "3", "1"]])
    #expect(
      try rows(
        path,
        "SELECT count(*) FROM findings WHERE first_batch_id NOT IN (SELECT batch_id FROM batches)")
        == [["0"]])
  }

  /// Inserts batches of which each has a gradient of `w`, as the writer does, and loses some.
  private struct Insertion {
    let db: Database
    let judge: Judge
    var inserter: BatchInserter

    /// A run that the file at `path` holds some of is gone on with.
    init(in db: Database, at path: String? = nil, watch: FindingWatch = .silent) throws {
      self.db = db
      let options = GradientRecorder.Options()
      let run = try RunTable.open(RunIdentity("r", options), in: db)
      judge = Judge(
        run, resumed: path.flatMap { ResumedRun(run, options, path: $0) }, isUrgent: false,
        watch: watch)
      inserter = try BatchInserter(run: run, capture: .everything, in: db)
    }

    enum Fate: CaseIterable {
      case written
      /// Rolled back before and after the findings were written.
      case lostEarly, lostLate
    }

    mutating func insert(_ values: [Float], from first: Int, _ fate: Fate = .written) throws {
      let slab = Slab()
      for (index, value) in values.enumerated() {
        var batch = GradientBatch(in: slab, .copy)
        batch.add("w", [value], shape: [1])
        _ = slab.finishBatch(
          BatchContext(epoch: 0, batch: first + index), recordedAt: 0, lostBefore: 0)
      }
      judge.judge(slab) {}
      try db.beginTransaction()
      try inserter.beginTransaction()
      inserter.takeFindings(of: slab)
      for index in slab.batches.indices { _ = try inserter.insertBatch(index, of: slab) }
      if fate != .lostEarly { try inserter.endTransaction() }
      if fate == .written {
        try db.commit()
        return inserter.confirmTransaction()
      }
      try db.rollback()
      inserter.forgetTransaction()
    }
  }

  /// What is lost was judged all the same: it is said of the batches that the file holds.
  @Test(arguments: [Insertion.Fate.lostEarly, .lostLate])
  private func whatIsRolledBackIsSaidOfWhatIsThere(fate: Insertion.Fate) throws {
    let queue = try DatabaseFile.openForRecording(path)
    let watch = FindingWatch(GradientRecorder.Options(), run: "r")
    try queue.writeWithoutTransaction { db in
      var insertion = try Insertion(in: db, watch: watch)
      try insertion.insert([1, .nan], from: 0)
      try insertion.insert([.nan, .nan, .infinity], from: 2, fate)
      #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "1", "1"]])
      try insertion.insert([1, 1], from: 5)
      #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "1", "4"]])
      // A transaction that cannot even begin.
      insertion.inserter.forgetTransaction()
      try insertion.insert([.nan], from: 8)
    }
    try DatabaseFile.finish(queue)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "8", "5"]])
    #expect(try rows(path, "SELECT count(*) FROM findings") == [["1"]])
    #expect(watch.findings.map(\.batch) == [1])
    #expect(
      try rows(path, "SELECT batch, step FROM batches") == [
        ["0", "0"], ["1", "1"], ["5", "5"], ["6", "6"], ["8", "7"],
      ])
  }

  @Test func whatIsCommittedIsKnownWhenTheNextTransactionCannotBegin() throws {
    let queue = try DatabaseFile.openForRecording(path)
    try queue.writeWithoutTransaction { db in
      var insertion = try Insertion(in: db)
      try insertion.insert([1, .nan], from: 0)
      try insertion.insert([.nan, 1], from: 2)
      insertion.inserter.forgetTransaction()
      try insertion.insert([1], from: 4)
    }
    try DatabaseFile.finish(queue)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "2", "2"]])
  }

  /// What was found before the run was resumed does not go with the first batches after that.
  @Test(arguments: [Insertion.Fate.lostEarly, .lostLate])
  private func whatIsGoneOnWithSurvivesLostBatches(fate: Insertion.Fate) throws {
    try record([1, .nan, 1])
    let queue = try DatabaseFile.openForRecording(path)
    try queue.writeWithoutTransaction { db in
      try db.execute(
        sql: """
          INSERT INTO findings (run_id, rule, severity, first_batch_id, last_batch_id, batch_count,
            advice) VALUES (1, 'vanishing', 'critical', 1, 3, 3, '')
          """)
      var insertion = try Insertion(in: db, at: path)
      try insertion.insert([.nan], from: 3, fate)
      #expect(try rows(path, "SELECT count(*) FROM findings") == [["2"]])
      try insertion.insert([1], from: 4)
      #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "2", "2"]])
      try insertion.insert([.infinity, 1], from: 5)
    }
    try DatabaseFile.finish(queue)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "5", "3"]])
  }

  @Test func aRunThatTheFileHoldsNothingOfIsNotLookedAt() throws {
    let queue = try DatabaseFile.openForRecording(path)
    try queue.writeWithoutTransaction { db in
      let options = GradientRecorder.Options()
      let run = try RunTable.open(RunIdentity("r", options), in: db)
      #expect(ResumedRun(run, options, path: path) == nil)
    }
    try DatabaseFile.finish(queue)
  }

  @Test func aFindingOfLostBatchesOnlyBeginsWithTheNext() throws {
    let queue = try DatabaseFile.openForRecording(path)
    try queue.writeWithoutTransaction { db in
      var insertion = try Insertion(in: db)
      try insertion.insert([.nan], from: 0, .lostEarly)
      #expect(try rows(path, Self.summary) == [])
      try insertion.insert([1, 1], from: 1)
    }
    try DatabaseFile.finish(queue)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "1", "1"]])
  }
}
