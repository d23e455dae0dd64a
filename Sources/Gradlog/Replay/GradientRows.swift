internal import GRDB

/// Reads the rows of `gradient_statistics` batch by batch, for the detectors.
final class GradientRows {
  private let rows: PreparedStatement

  init(in db: Database) throws {
    let format = try FileFormat(of: db)
    rows = try PreparedStatement(
      """
      SELECT weight_id, absent, norm, sum_abs, element_count, zero_count, nan_count, posinf_count,
        neginf_count, \(format.selecting(["zero_rows", "zero_columns", "cosine"]))
      FROM gradient_statistics CROSS JOIN weights USING (weight_id)
      WHERE gradient_id BETWEEN :first AND :first + :count - 1 ORDER BY gradient_id
      """, on: db)
  }

  /// Hands over the gradients of a batch in their order; each is valid until the next.
  func forEachGradient(of batch: StoredBatch, _ body: (GradientRow) -> Void) throws {
    rows.reset()
    try rows.bind(batch.firstGradientID, to: "first")
    try rows.bind(batch.gradientCount, to: "count")
    while try rows.step() { body(GradientRow(rows: rows)) }
  }
}

/// A row of `gradient_statistics`.
struct GradientRow {
  fileprivate let rows: PreparedStatement

  var weightID: Int64 { rows.integer(at: 0) }

  /// The gradient as the detectors see it.
  func gradient(of weight: Int) -> ObservedGradient {
    if rows.integer(at: 1) != 0 { return ObservedGradient(absent: weight) }
    var gradient = ObservedGradient(weight: weight)
    gradient.norm = rows.real(at: 2) ?? .nan
    gradient.zeroCount = count(5)
    gradient.nanCount = count(6)
    gradient.posinfCount = count(7)
    gradient.neginfCount = count(8)
    gradient.zeroRows = rows.real(at: 9) == nil ? nil : count(9)
    gradient.zeroColumns = rows.real(at: 10) == nil ? nil : count(10)
    // The series holds it as Float, and so it is seen by the detectors everywhere.
    gradient.cosine = rows.real(at: 11).map { Double(Float($0)) } ?? .nan
    let nonZeroCount =
      count(4) - gradient.zeroCount - gradient.nanCount - gradient.posinfCount
      - gradient.neginfCount
    if nonZeroCount > 0, let sum = rows.real(at: 3) {
      gradient.meanAbsNonZero = sum / Double(nonZeroCount)
    }
    return gradient
  }

  private func count(_ column: Int32) -> Int { Bounds.bounded(rows.integer(at: column)) }
}
