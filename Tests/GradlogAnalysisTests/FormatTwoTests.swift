import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// A file that the last version of format 2 wrote, kept as the SQL that makes it: Fixtures/format-2.sql.
struct FormatTwoTests {
  private let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"

  private func makeFile() throws {
    let fixture = try #require(
      Bundle.module.url(forResource: "format-2", withExtension: "sql", subdirectory: "Fixtures"))
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction {
      try $0.execute(sql: try String(contentsOf: fixture, encoding: .utf8))
    }
    try queue.close()
  }

  private func remove() { try? FileManager.default.removeItem(atPath: path) }

  private func record() throws {
    try GradientRecorder.record(to: path, run: "new") { recorder in
      for batch in 0..<3 {
        recorder.record(epoch: 0, batch: batch) {
          $0.add("kernel", [0, 1, 0, -2] as [Float], shape: [2, 2])
        }
      }
    }
  }

  @Test func isReadAsItIs() throws {
    try makeFile()
    defer { remove() }
    let recording = try Recording(path: path)
    let summary = try recording.verify { Issue.record("\($0)") }
    #expect(summary.gradients == 88)
    #expect(summary.recomputed > 40)
    let gradient = try recording.gradient(key: 3)
    #expect(gradient["zero_count"] != .null)
    #expect(gradient["zero_rows"] == .null)
    #expect(gradient["cosine"] == .null)
    var exported = Exported()
    #expect(try recording.export(.statistics, to: &exported) == 88)
    let place = try #require(exported.columns.firstIndex(of: "zero_rows"))
    #expect(exported.rows.allSatisfy { $0[place...place + 2].allSatisfy { $0 == .null } })
    try checkSeries(recording)
  }

  @Test func becomesAFileOfThisFormatAndLosesNothing() throws {
    try makeFile()
    defer { remove() }
    let findings = """
      SELECT finding_id, run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, value, threshold, advice FROM findings
      """
    let statistics =
      "SELECT gradient_id, norm, zero_count, abs_p99 FROM gradients WHERE run <> 'new'"
    let old = try Recording(path: path)
    let before = (try old.allRows(of: findings), try old.allRows(of: statistics))
    #expect(before.0.count == 1)
    #expect(before.1.count == 88)
    try old.close()
    try record()
    let new = try Recording(path: path)
    #expect(try new.allRows(of: "PRAGMA user_version") == [[.integer(4)]])
    #expect(try new.allRows(of: findings) == before.0)
    #expect(try new.allRows(of: "SELECT baseline, evidence FROM findings") == [[.null, .null]])
    #expect(try new.allRows(of: statistics) == before.1)
    #expect(try new.verify { Issue.record("\($0)") }.gradients == 91)
    try checkSeries(new)
  }

  /// What the detectors of that version said gives way to what those of this one say of the same.
  @Test func aRunOfItIsGoneOnWith() throws {
    try makeFile()
    defer { remove() }
    let runs = try DatabaseQueue(path: path).read { db in
      try Row.fetchAll(db, sql: "SELECT name, rank, world_size, stage FROM runs").map { row in
        let stage = try #require(GradientStage(rawValue: row["stage"]))
        return (name: row["name"] as String, rank: row["rank"] as Int, stage: stage)
      }
    }
    for run in runs {
      var options = GradientRecorder.Options()
      (options.rank, options.worldSize, options.stage) = (run.rank, run.rank + 1, run.stage)
      try GradientRecorder.record(to: path, run: run.name, options: options) { recorder in
        for batch in 0..<40 {
          recorder.record(epoch: 99, batch: batch, loss: 1) { $0.addAbsent("another") }
        }
      }
    }
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    #expect(FindingSummary.of(try Recording(path: path).diagnose()) == live)
    #expect(live.count { $0.contains("another: absent") } == runs.count)
  }

  /// Whether the series says the same as the rows, whoever wrote it.
  private func checkSeries(_ recording: Recording) throws {
    let rows = try recording.allRows(
      of: "SELECT gradient_id, zero_count FROM gradient_statistics ORDER BY gradient_id")
    try recording.read { db in
      #expect(try SeriesReader(SeriesQuestion([:]), in: db) != nil)
      let series = try #require(try SeriesRows(of: .all, with: .all, in: db))
      var counts: [[CellValue]] = []
      while let row = try series.next() {
        #expect(row.norms.count == Int(row.batchCount) * row.weightIDs.count)
        for entry in row.norms.indices {
          let key = row.firstGradientID + Int64(entry)
          counts.append([.integer(key), .integer(row.zeroCount(entry))])
          let isNew = key > 88
          #expect(row.zeroSlices(entry)?.columns == (isNew ? 1 : nil))
          #expect(row.zeroSlices(entry)?.rows == (isNew ? 0 : nil))
          #expect(row.cosine(entry) == (key > 89 ? 1 : nil))
        }
      }
      #expect(counts == rows)
    }
  }

  @Test func whatIsSaidOfTheNetworkIsSaidOnce() throws {
    try makeFile()
    defer { remove() }
    try record()
    let queue = try DatabaseQueue(path: path)
    let insert = """
      INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, advice) VALUES (3, NULL, 'noise-scale', 'info', 9, 9, 1, 'nothing')
      """
    try queue.write { try $0.execute(sql: insert) }
    #expect(throws: DatabaseError.self) { try queue.write { try $0.execute(sql: insert) } }
    try queue.close()
    let recording = try Recording(path: path)
    _ = try recording.verify { Issue.record("\($0)") }
    // What is mere information is no trouble.
    #expect(try recording.runs().last?.worstFinding == nil)
  }

  private struct Exported: RowWriter {
    var columns: [String] = []
    var rows: [[CellValue]] = []

    mutating func begin(columns: [String]) { self.columns = columns }
    mutating func write(_ row: [CellValue]) { rows.append(row) }
    mutating func end() {}
  }
}
