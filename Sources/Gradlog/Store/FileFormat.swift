package import GRDB

/// The format of a file that is read, which may be older than what this code writes.
package struct FileFormat {
  /// `PRAGMA user_version`.
  package let number: Int

  /// The columns of tables and of the view `gradients` that a file has since format 3.
  private static let sinceThree: Set<String> = [
    "zero_rows", "zero_columns", "cosine", "zero_counts_blob", "zero_slices_blob", "cosines_blob",
    "frozen",
  ]

  /// Those that it has since format 4.
  private static let sinceFour: Set<String> = ["initial_norm"]

  /// Whether the file has the table `freezings`.
  package var tellsFreezings: Bool { number >= 4 }

  /// Where the optimizer of a finding stands, beside its first batch as `batches`.
  package var findingOptimizer: String { number >= 4 ? "findings.optimizer" : "batches.optimizer" }

  package init(of db: Database) throws {
    let versions = try PreparedStatement("PRAGMA user_version", on: db)
    number = try versions.step() ? Int(versions.integer(at: 0)) : 0
  }

  /// What selects a column: NULL in a file that does not have it.
  package func selecting(_ column: String) -> String {
    let isThere =
      (number >= 3 || !Self.sinceThree.contains(column))
      && (number >= 4 || !Self.sinceFour.contains(column))
    return isThere ? column : "NULL AS \(column)"
  }

  /// What selects these columns.
  package func selecting(_ columns: [String]) -> String {
    columns.map { selecting($0) }.joined(separator: ", ")
  }
}
