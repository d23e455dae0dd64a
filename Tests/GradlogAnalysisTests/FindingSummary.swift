import GRDB
import Gradlog

@testable import GradlogAnalysis

/// Findings as lines, in an order of their own: what a recorder wrote beside what a replay says.
enum FindingSummary {
  /// What the recorder wrote.
  static func live(_ db: Database) throws -> [String] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT runs.name, rank, coalesce(weights.name, '') AS weight, rule, optimizer,
          severity,
          first_batch_id, last_batch_id, batch_count, value, baseline, findings.threshold, evidence,
          advice
        FROM findings JOIN runs USING (run_id) LEFT JOIN weights USING (weight_id)
        """)
    return rows.map { row in
      text(
        row["name"], row["rank"], row["weight"], row["rule"], row["optimizer"], row["severity"],
        row["first_batch_id"], row["last_batch_id"], row["batch_count"],
        [row["value"] ?? .nan, row["baseline"] ?? .nan, row["threshold"] ?? .nan],
        [row["evidence"] ?? "", row["advice"]])
    }.sorted()
  }

  static func of(_ diagnoses: [Diagnosis]) -> [String] {
    diagnoses.flatMap { diagnosis in
      diagnosis.findings.map { finding in
        text(
          diagnosis.run, diagnosis.rank, finding.weight ?? "", finding.rule.rawValue,
          finding.optimizer, finding.severity.rawValue, finding.first.batchID, finding.last.batchID,
          finding.batches,
          [finding.value, finding.baseline ?? .nan, finding.threshold],
          [finding.evidence, finding.advice])
      }
    }.sorted()
  }

  private static func text(
    _ run: String, _ rank: Int, _ weight: String, _ rule: String, _ optimizer: String,
    _ severity: String,
    _ first: Int64, _ last: Int64, _ count: Int, _ numbers: [Double], _ sentences: [String]
  ) -> String {
    "\(run) \(rank) \(optimizer) \(weight): \(rule) \(severity) \(first)..\(last) (\(count)) \(numbers) \(sentences)"
  }
}
