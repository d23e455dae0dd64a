import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// Files of format 1, which has no series.
struct FormatOneTests {
  @Test func anOldFileIsReadAndGoesOnAsANewOne() throws {
    let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Self.record(path, batches: 0..<4)
    try Self.makeFormatOne(path)
    let recording = try Recording(path: path)
    #expect(try Self.byDepth(recording) == Self.profile(median: 2, last: 4))
    #expect(try recording.verify { Issue.record("\($0)") }.gradients == 4)

    try Self.record(path, batches: 4..<5)
    let newer = try Recording(path: path)
    #expect(try newer.allRows(of: "PRAGMA user_version") == [[.integer(4)]])
    #expect(try newer.allRows(of: "SELECT count(*) FROM gradient_series") == [[.integer(1)]])
    #expect(try Self.byDepth(newer) == Self.profile(median: 3, last: 5))
    #expect(try newer.verify { Issue.record("\($0)") }.gradients == 5)
  }

  private static func record(_ path: String, batches: Range<Int>) throws {
    try GradientRecorder.record(to: path, run: "old") { recorder in
      for batch in batches {
        recorder.record(epoch: 0, batch: batch) {
          $0.add("kernel", [0, Double(batch + 1)], shape: [1, 2])
        }
      }
    }
  }

  private static func makeFormatOne(_ path: String) throws {
    try DatabaseQueue(path: path).write { db in
      try db.execute(
        sql: """
          DROP TABLE gradient_series;
          DROP TABLE findings;
          DROP TABLE freezings;
          DROP VIEW gradients;
          ALTER TABLE weights DROP COLUMN frozen;
          ALTER TABLE weights DROP COLUMN initial_norm;
          ALTER TABLE gradient_statistics DROP COLUMN cosine;
          ALTER TABLE gradient_statistics DROP COLUMN zero_columns;
          ALTER TABLE gradient_statistics DROP COLUMN zero_rows;
          DELETE FROM grdb_migrations WHERE identifier <> 'format-1';
          PRAGMA user_version = 1
          """)
      for entry in try ExpectedSchema.entries(ofFormat: 1)
      where ["findings", "gradients"].contains(entry.name) { try db.execute(sql: entry.sql) }
    }
  }

  private static func byDepth(_ recording: Recording) throws -> [CellValue] {
    var answer = Rows()
    try recording.ask(CannedQuery.named("by-depth").sql, name: "by-depth", to: &answer)
    return answer.rows.flatMap { $0 }
  }

  private struct Rows: RowWriter {
    var rows: [[CellValue]] = []

    mutating func begin(columns: [String]) {}
    mutating func write(_ row: [CellValue]) { rows.append(row) }
    mutating func end() {}
  }

  /// The answer of a run whose kernel has the norms 1, 2, … up to `last`.
  private static func profile(median: Double, last: Double) -> [CellValue] {
    [
      .text("old"), .integer(0), .text("kernel"), .integer(0), .text("[1,2]"),
      .integer(Int64(last)), .real(median), .real(1), .real(last),
      .real((median * median / 2).squareRoot()),
    ]
  }
}
