import AllocationCounter
import GRDB
import GRDBSQLite
import Testing

@testable import Gradlog

/// Recording asks for no memory per tensor once the sizes are known, on none of the three threads.
/// `scripts/test` runs these on optimized code; only there is it true.
@Suite(.enabled(if: isOptimized && countsAllocations() == 1, "needs optimized code"))
struct AllocationTests {
  private static let tensors = 200
  private static let names = (0..<tensors).map { "block\($0)/attention/output/kernel" }
  private static let shape = [3, 2]
  private static let values: [Float] = [1, -2, 0, .nan, 1e-30, 3]

  @Test func theTrainingThreadAllocatesNothingPerTensor() throws {
    let folder = try ScratchFolder()
    try GradientRecorder.record(to: folder.path + "/runs.db", run: "r") { recorder in
      func record(_ batches: Range<Int>) {
        for batch in batches {
          recorder.record(epoch: 0, batch: batch) { Self.addTensors(to: &$0) }
        }
      }
      for round in 0..<3 {
        record(round * 20..<(round + 1) * 20)
        try recorder.flush()
      }
      let before = allocationCount()
      record(60..<80)
      let count = allocationCount() - before
      // Not one for a hundred tensors: a slab that is new, or has not had so many batches yet, grows.
      #expect(count <= 20 * Self.tensors / 100)
    }
  }

  @Test func theStatisticsAllocateNothing() {
    var pass = StatisticsPass()
    let slab = Slab()
    func measure() -> Int {
      slab.removeAll()
      Self.fill(slab, batches: 5)
      let before = allocationCount()
      slab.measure(with: &pass)
      return allocationCount() - before
    }
    #expect(measure() > 0)
    #expect(measure() == 0)
  }

  @Test func theJudgeAllocatesNothingPerTensor() throws {
    let judge = Judge(RunState.new)
    let slab = Slab()
    func judgeTwenty() -> Int {
      slab.removeAll()
      Self.fill(slab, batches: 20)
      let before = allocationCount()
      judge.judge(slab) {}
      return allocationCount() - before
    }
    for _ in 0..<5 { _ = judgeTwenty() }
    let count = judgeTwenty()
    #expect(count <= 20 * Self.tensors / 100, "\(count)")
  }

  @Test func theWriterAllocatesOnlyWhatSQLiteDoes() throws {
    let folder = try ScratchFolder()
    let queue = try DatabaseFile.openForRecording(folder.path + "/runs.db")
    let slab = Slab()
    Self.fill(slab, batches: 10)
    try queue.write { db in
      let run = try RunTable.open(RunIdentity("r", GradientRecorder.Options()), in: db)
      Judge(run).judge(slab) {}
      var inserter = try BatchInserter(run: run, capture: .everything, in: db)
      try inserter.beginTransaction()
      _ = try inserter.insertBatch(0, of: slab)
      let before = allocationCount()
      for index in slab.batches.indices.dropFirst() {
        _ = try inserter.insertBatch(index, of: slab)
      }
      let count = allocationCount() - before

      let rows = 9 * Self.tensors
      let bare = try Self.allocations(inserting: rows, in: db)
      // The rows of the batches themselves, and of their index.
      #expect(count <= bare + 9 * 50, "\(count) for \(rows) gradients, SQLite alone \(bare)")
    }
    try DatabaseFile.finish(queue)
  }

  /// What SQLite's C interface allocates for as many rows with as many bytes of the same tables.
  private static func allocations(inserting rows: Int, in db: Database) throws -> Int {
    var statements: [SQLiteStatement?] = [nil, nil]
    for (index, table) in ["gradient_statistics", "gradient_values"].enumerated() {
      let columns = try db.columns(in: table).count
      let marks = Array(repeating: "?", count: columns).joined(separator: ",")
      sqlite3_prepare_v2(
        db.sqliteConnection, "INSERT INTO \(table) VALUES (\(marks))", -1, &statements[index], nil)
    }
    defer { for statement in statements { sqlite3_finalize(statement) } }
    let first = 1 + (try Int64.fetchOne(db, sql: "SELECT max(gradient_id) FROM gradients") ?? 0)
    let text = StaticString("dense").utf8Start
    var failures = 0
    let before = allocationCount()
    for row in 0..<Int64(rows) {
      for column in 1...Int32(27) { sqlite3_bind_double(statements[0], column, 0.1234567) }
      sqlite3_bind_null(statements[0], 1)
      sqlite3_bind_blob(statements[0], 28, text, 5, nil)
      for column in 29...Int32(31) { sqlite3_bind_double(statements[0], column, 0.1234567) }
      sqlite3_bind_int64(statements[1], 1, first + row)
      text.withMemoryRebound(to: CChar.self, capacity: 5) {
        _ = sqlite3_bind_text(statements[1], 2, $0, 5, nil)
      }
      sqlite3_bind_blob(statements[1], 3, text, 5, nil)
      for statement in statements {
        if sqlite3_step(statement) != SQLITE_DONE { failures += 1 }
        sqlite3_reset(statement)
      }
    }
    let count = allocationCount() - before
    #expect(failures == 0)
    return count
  }

  private static func addTensors(to batch: inout GradientBatch) {
    for name in names { batch.add(name, values, shape: shape) }
  }

  private static func fill(_ slab: Slab, batches: Int) {
    for index in 0..<batches {
      var batch = GradientBatch(in: slab, .copy)
      addTensors(to: &batch)
      _ = slab.finishBatch(
        BatchContext(epoch: 0, batch: index), recordedAt: 0, lostBefore: 0)
    }
  }
}

#if DEBUG
private let isOptimized = false
#else
private let isOptimized = true
#endif
