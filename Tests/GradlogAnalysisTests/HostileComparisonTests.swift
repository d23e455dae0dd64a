import Gradlog
import GradlogAnalysis
import Testing

/// Files that are not what a recorder writes: a sentence or a result, never a trap.
@Suite struct HostileComparisonTests {
  private static let columns = [
    "batches": [
      "run_id", "epoch", "batch", "optimizer", "call", "step", "loss", "loss_is_nan",
      "learning_rate", "first_gradient_id", "gradient_count",
    ],
    "gradient_statistics": [
      "batch_id", "weight_id", "absent", "zero_count", "nan_count", "posinf_count", "sum", "norm",
      "min", "max", "rms",
    ],
    "gradient_values": ["encoding", "values_blob"],
    "weights": ["run_id", "position", "name", "dtype", "shape", "element_count"],
    "runs": ["name", "rank", "stage"],
  ]

  private static let values = [
    "'text'", "x'00ff'", "9223372036854775807", "-9223372036854775808", "9e999", "-9e999", "0.5",
    "zeroblob(70000)", "''", "'[9223372036854775807,9223372036854775807]'", "'[2,-1]'", "'rows'",
    "'bfloat16'", "'float64'",
  ]

  private func sound() throws -> TwoRuns {
    let runs = try TwoRuns()
    for file in ["a", "b"] {
      try runs.record(file, batches: 3) { index, batch in
        batch.add("w", [1, 2, Float(index), file == "a" ? 4 : 5], shape: [2, 2])
        batch.add("r", rows: [Float(1), 2], at: [file == "a" ? 1 : 0], shape: [3, 2])
      }
    }
    return runs
  }

  @Test(arguments: columns.keys.sorted())
  func anyValueInAnyColumnIsSurvived(table: String) throws {
    for column in Self.columns[table] ?? [] {
      for value in Self.values {
        let runs = try sound()
        // Where the schema forbids the value, there is nothing to survive.
        try? runs.damage(
          "b",
          "PRAGMA ignore_check_constraints = 1; UPDATE OR IGNORE \(table) SET \(column) = \(value)")
        do {
          _ = try runs.compare { $0.showsAll = true }
          _ = try runs.compare { $0.tolerance = try Tolerance(relative: 0.1, absolute: 0) }
        } catch let error as GradlogError {
          #expect(!error.problem.isEmpty)
        }
      }
    }
  }

  @Test func valuesThatDoNotFitTheirShapeAreDamage() throws {
    let runs = try sound()
    try runs.damage(
      "b", "UPDATE gradient_values SET values_blob = x'0000' WHERE encoding = 'dense'")
    let error = #expect(throws: GradlogError.self) { try runs.compare() }
    #expect(error?.code == .notAGradlogFile)
    #expect(error?.problem.contains("is damaged (values of 'w': ") == true)
    let rows = try sound()
    try rows.damage("a", "UPDATE gradient_values SET encoding = 'float8'")
    #expect(
      #expect(throws: GradlogError.self) { try rows.compare() }?.problem.contains(
        "is damaged (values of 'w': no blob of an encoding that there is)") == true)
  }

  /// A range that reaches into other batches brings none of their gradients in.
  @Test func aWrongRangeDoesNotMixBatches() throws {
    let runs = try TwoRuns()
    for file in ["a", "b"] {
      try runs.record(file, batches: 3) { index, batch in
        batch.add("w", [Float(index)], shape: [1])
      }
    }
    try runs.damage("b", "UPDATE batches SET first_gradient_id = 1, gradient_count = 1000")
    #expect(try runs.compare().summary.isIdentical)
  }
}
