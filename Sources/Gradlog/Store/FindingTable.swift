internal import GRDB

/// The rows of `findings`.
enum FindingTable {
  /// Adds a finding to what the file already says of the same weight and rule.
  static func merge(_ finding: Finding, run runID: Int64, in db: Database) throws {
    let worst = finding.rule == .vanishing ? "min" : "max"
    try db.execute(
      sql: """
        INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
          batch_count, value, threshold, advice)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (run_id, coalesce(weight_id, 0), rule) DO UPDATE SET
          last_batch_id = excluded.last_batch_id,
          batch_count = batch_count + excluded.batch_count,
          value = \(worst)(value, excluded.value)
        """,
      arguments: [
        runID, finding.weightID, finding.rule.rawValue, finding.rule.severity.rawValue,
        finding.firstBatchID, finding.lastBatchID, finding.batchCount, finding.value,
        finding.rule.threshold, finding.rule.advice,
      ])
  }
}
