internal import GRDB

/// The rows of `findings` of one run.
struct FindingTable {
  private struct Key: Hashable {
    let rule: String
    let weightID: Int64?
  }

  /// What a run that is resumed said before: its detectors begin anew, the rows go on.
  private struct Earlier {
    let firstBatchID: Int64
    let batchCount: Int
    let severity: Rule.Severity
  }

  private let runID: Int64
  private let earlier: [Key: Earlier]

  init(run runID: Int64, in db: Database) throws {
    self.runID = runID
    let rows = try Row.fetchAll(
      db,
      sql:
        "SELECT rule, weight_id, first_batch_id, batch_count, severity FROM findings WHERE run_id = ?",
      arguments: [runID])
    earlier = try Dictionary(
      rows.map { row in
        (
          Key(
            rule: try row.decode(String.self, forColumn: "rule"),
            weightID: try row.decode(Int64?.self, forColumn: "weight_id")),
          Earlier(
            firstBatchID: try row.decode(Int64.self, forColumn: "first_batch_id"),
            batchCount: try row.decode(Int.self, forColumn: "batch_count"),
            severity: Rule.Severity(
              rawValue: try row.decode(String.self, forColumn: "severity")) ?? .info)
        )
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Writes what a finding says now in place of what it said before, unless that was worse. `weight` is the key and the name of
  /// what it is about; nil for the whole network.
  func write(_ finding: Finding, of weight: (id: Int64, name: String)?, in db: Database) throws {
    let before = earlier[Key(rule: finding.rule.rawValue, weightID: weight?.id)]
    guard before?.severity ?? .info <= finding.severity else {
      return try db.execute(
        sql: """
          UPDATE findings SET last_batch_id = :last, batch_count = :count
          WHERE run_id = :run AND weight_id IS :weight AND rule = :rule
          """,
        arguments: [
          "run": runID, "weight": weight?.id, "rule": finding.rule.rawValue,
          "last": finding.last.batchID, "count": finding.batchCount + (before?.batchCount ?? 0),
        ])
    }
    try db.execute(
      sql: """
        DELETE FROM findings WHERE run_id = :run AND weight_id IS :weight AND rule = :rule;
        INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
          batch_count, value, baseline, threshold, evidence, advice)
        VALUES (:run, :weight, :rule, :severity, :first, :last, :count, :value, :baseline, :threshold,
          :evidence, :advice)
        """,
      arguments: [
        "run": runID, "weight": weight?.id, "rule": finding.rule.rawValue,
        "severity": finding.severity.rawValue,
        "first": before?.firstBatchID ?? finding.first.batchID, "last": finding.last.batchID,
        "count": finding.batchCount + (before?.batchCount ?? 0), "value": finding.value,
        "baseline": finding.baseline, "threshold": finding.threshold,
        "evidence": finding.evidence(of: weight?.name),
        "advice": finding.advice(of: weight?.name),
      ])
  }
}
