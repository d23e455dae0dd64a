import Foundation
import GRDB
import Testing

/// A recording of `RecorderProbe`, looked at with nothing of gradlog but the file.
struct RecordedFile {
  let path: String

  func rows(_ sql: String) throws -> [[String]] {
    var configuration = Configuration()
    configuration.busyMode = .timeout(20)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    return try queue.read { db in
      try Row.fetchAll(db, sql: sql).map { row in
        row.databaseValues.map { String.fromDatabaseValue($0) ?? "\($0)" }
      }
    }
  }

  func count(_ sql: String) throws -> Int {
    try rows(sql).first?.first.flatMap { Int($0) } ?? -1
  }

  /// The batches, each as "run epoch batch".
  func batches() throws -> Set<String> {
    let sql = "SELECT name || ' ' || epoch || ' ' || batch FROM batches JOIN runs USING (run_id)"
    return Set(try rows(sql).map { $0[0] })
  }

  /// Expects what every recording is after any fault: sound, without half a batch, and with the bytes
  /// that the probe recorded.
  func expectSound(sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(try rows("PRAGMA integrity_check") == [["ok"]], sourceLocation: sourceLocation)
    #expect(try rows("PRAGMA foreign_key_check") == [], sourceLocation: sourceLocation)
    #expect(try count(Self.halfBatches) == 0, "half a batch", sourceLocation: sourceLocation)
    #expect(
      try count("SELECT sum(gradient_count) FROM batches")
        == count("SELECT nullif(count(*), 0) FROM gradient_statistics"),
      "gradients of no batch", sourceLocation: sourceLocation)
    #expect(
      try count("SELECT count(*) FROM gradients WHERE values_blob IS NULL") == 0,
      "lost values", sourceLocation: sourceLocation)
    #expect(try count(Self.wrongValues) == 0, "wrong values", sourceLocation: sourceLocation)
  }

  private static let halfBatches = """
    SELECT count(*) FROM batches WHERE gradient_count <> (
      SELECT count(*) FROM gradient_statistics AS s WHERE s.batch_id = batches.batch_id
        AND gradient_id BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1)
    """

  /// The value of `a` is in every element, of which the statistics know the least and the greatest.
  private static let wrongValues = """
    SELECT count(*) FROM gradients WHERE weight = 'a'
      AND (min <> 1000 * epoch + batch OR max <> 1000 * epoch + batch
        OR length(values_blob) <> 4 * element_count
        OR substr(values_blob, 1, 4) <> substr(values_blob, -4))
    """
}
