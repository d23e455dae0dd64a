import GRDB
import Testing

@testable import Gradlog

/// Whether an absent gradient is meant.
@Suite struct FrozenWeightTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  /// What a batch says of a weight.
  private enum Told {
    case gradient, absent, frozen
  }

  private func add(_ weight: String, _ told: Told, to gradients: inout GradientBatch) {
    switch told {
    case .gradient: gradients.add(weight, [1, 2] as [Float], shape: [2])
    case .absent: gradients.addAbsent(weight)
    case .frozen: gradients.addAbsent(weight, isFrozen: true)
    }
  }

  /// Records one batch of an epoch for each thing told of the weight.
  private func record(_ all: [Told], epoch: Int = 0, of weight: String = "w") throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      for (batch, told) in all.enumerated() {
        recorder.record(epoch: epoch, batch: batch) { add(weight, told, to: &$0) }
      }
    }
  }

  private func weights() throws -> [[String]] {
    try rows(path, "SELECT name, frozen, dtype FROM weights ORDER BY position")
  }

  @Test func aDetachedWeightIsNotAFrozenOne() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      for batch in 0..<2 {
        recorder.record(epoch: 0, batch: batch) {
          add("frozen", .frozen, to: &$0)
          add("detached", .absent, to: &$0)
          add("trained", .gradient, to: &$0)
        }
      }
    }
    #expect(
      try weights() == [
        ["frozen", "1", "NULL"], ["detached", "0", "NULL"], ["trained", "0", "float32"],
      ])
    let statistics = "SELECT weight, absent, norm, zero_count FROM gradients WHERE batch = 1"
    #expect(
      try rows(path, statistics) == [
        ["frozen", "1", "NULL", "NULL"], ["detached", "1", "NULL", "NULL"],
        ["trained", "0", "\(5.0.squareRoot())", "0"],
      ])
  }

  @Test func whatWasToldLastIsInTheFile() throws {
    try record([.frozen, .frozen, .gradient])
    #expect(try weights() == [["w", "0", "float32"]])
    try record([.gradient, .frozen], epoch: 1)
    #expect(try weights() == [["w", "1", "float32"]])
    try record([.frozen, .absent], epoch: 2)
    #expect(try weights() == [["w", "0", "float32"]])
  }

  @Test func aResumedRunKnowsWhatWasFrozen() throws {
    try record([.frozen])
    // Of the weight nothing is told here.
    try record([.gradient], epoch: 1, of: "other")
    #expect(try weights() == [["w", "1", "NULL"], ["other", "0", "float32"]])
    try record([.gradient], epoch: 2)
    #expect(try weights() == [["w", "0", "float32"], ["other", "0", "float32"]])
  }

  @Test func whatIsRolledBackIsToldAgain() throws {
    let queue = try DatabaseFile.openForRecording(path)
    let slab = Slab()
    let story: [Told] = [.frozen, .gradient, .frozen, .frozen, .absent]
    for (batch, told) in story.enumerated() {
      var gradients = GradientBatch(in: slab, .copy)
      add("w", told, to: &gradients)
      _ = slab.finishBatch(BatchContext(epoch: 0, batch: batch), recordedAt: 0, lostBefore: 0)
    }
    try queue.writeWithoutTransaction { db in
      let run = try RunTable.open(RunIdentity("r", GradientRecorder.Options()), in: db)
      Judge(run).judge(slab) {}
      var inserter = try BatchInserter(run: run, capture: .everything, in: db)
      func insert(_ batches: Range<Int>) throws {
        try inserter.beginTransaction()
        for batch in batches { _ = try inserter.insertBatch(batch, of: slab) }
      }
      try db.inTransaction {
        try insert(0..<2)
        #expect(try frozen(in: db) == 0)
        try inserter.endTransaction()
        return .commit
      }
      // What is rolled back was not told.
      try db.beginTransaction()
      try insert(2..<3)
      #expect(try frozen(in: db) == 1)
      try db.rollback()
      inserter.forgetTransaction()
      #expect(try frozen(in: db) == 0)
      try db.inTransaction {
        try insert(3..<4)
        #expect(try frozen(in: db) == 1)
        _ = try inserter.insertBatch(4, of: slab)
        try inserter.endTransaction()
        return .commit
      }
    }
    try DatabaseFile.finish(queue)
    #expect(try weights() == [["w", "0", "float32"]])
  }

  private func frozen(in db: Database) throws -> Int? {
    try Int.fetchOne(db, sql: "SELECT frozen FROM weights")
  }
}
