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

  /// Batches, each with a gradient of `w`, as the writer takes them.
  private func slab(_ values: [Float], from first: Int) -> Slab {
    let slab = Slab()
    for (index, value) in values.enumerated() {
      var batch = GradientBatch(in: slab, .copy)
      batch.add("w", [value], shape: [1])
      _ = slab.finishBatch(
        BatchContext(epoch: 0, batch: first + index), recordedAt: 0, lostBefore: 0)
    }
    var pass = StatisticsPass()
    slab.measure(with: &pass)
    return slab
  }

  @Test(arguments: [true, false]) func whatIsRolledBackLeavesNothing(isWritten: Bool) throws {
    let queue = try DatabaseFile.openForRecording(path)
    let watch = FindingWatch(GradientRecorder.Options())
    try queue.writeWithoutTransaction { db in
      let run = try RunTable.open(RunIdentity("r", GradientRecorder.Options()), in: db)
      var inserter = try BatchInserter(run: run, capture: .everything, watch: watch, in: db)
      func insert(_ values: [Float], from first: Int, isLost: Bool) throws {
        let slab = slab(values, from: first)
        try db.beginTransaction()
        try inserter.beginTransaction()
        for batch in slab.batches { _ = try inserter.insert(batch, of: slab) }
        if isLost {
          if isWritten { try inserter.endTransaction() }
          try db.rollback()
          inserter.forgetTransaction(resumingAt: first + values.count)
        } else {
          try inserter.endTransaction()
          try db.commit()
          inserter.confirmTransaction()
        }
      }
      try insert([1, .nan], from: 0, isLost: false)
      try insert([.nan, .nan, .infinity], from: 2, isLost: true)
      try insert([1, 1], from: 5, isLost: false)
      #expect(inserter.nextStep == 7)
      // A transaction that cannot even begin loses batches that the detectors never saw.
      inserter.forgetTransaction(resumingAt: 8)
      try insert([.nan], from: 8, isLost: false)
    }
    try DatabaseFile.finish(queue)
    #expect(try rows(path, Self.summary) == [["nonfinite", "critical", "w", "1", "8", "2"]])
    #expect(watch.findings.map(\.batch) == [1])
  }

  /// A rule that takes patience counts no batch that is lost.
  @Test func whatIsRolledBackIsNoPatience() throws {
    let queue = try DatabaseFile.openForRecording(path)
    let watch = FindingWatch(GradientRecorder.Options())
    try queue.writeWithoutTransaction { db in
      let run = try RunTable.open(RunIdentity("r", GradientRecorder.Options()), in: db)
      var inserter = try BatchInserter(run: run, capture: .everything, watch: watch, in: db)
      for first in stride(from: 0, to: 96, by: 8) {
        let isLost = first == 40
        let slab = slab([Float](repeating: first < 24 ? 1 : 0, count: 8), from: first)
        try db.beginTransaction()
        try inserter.beginTransaction()
        for batch in slab.batches { _ = try inserter.insert(batch, of: slab) }
        if isLost {
          try db.rollback()
          inserter.forgetTransaction(resumingAt: first + 8)
        } else {
          try inserter.endTransaction()
          try db.commit()
          inserter.confirmTransaction()
        }
      }
    }
    try DatabaseFile.finish(queue)
    // 72 batches from 24 on, of which eight are lost.
    #expect(
      try rows(path, Self.summary).filter { $0[0] == "dead" } == [
        ["dead", "critical", "w", "24", "95", "64"]
      ])
  }
}
