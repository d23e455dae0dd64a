import Foundation
import GRDB
import Gradlog
import GradlogAnalysis
import Testing

/// Whatever a file holds in place of what it should: it is told, and neither traps nor takes for ever.
@Suite struct HostileVerificationTests {
  private static let columns: [(String, String)] = [
    ("weights", "run_id position dtype shape element_count"),
    ("batches", "run_id epoch batch call step loss_is_nan first_gradient_id gradient_count"),
    (
      "gradient_statistics",
      "batch_id weight_id absent zero_count nan_count posinf_count neginf_count sum sum_abs "
        + "sum_squares norm rms std min max abs_p1 abs_p5 abs_p25 abs_median abs_p75 abs_p95 abs_p99 "
        + "float16_underflow_count bfloat16_underflow_count float8_e4m3_underflow_count "
        + "float8_e5m2_underflow_count exponents_blob"
    ), ("gradient_values", "encoding values_blob"),
    ("findings", "run_id weight_id first_batch_id last_batch_id batch_count"),
  ].flatMap { table, names in names.split(separator: " ").map { (table, String($0)) } }

  @Test(arguments: columns)
  func anyValueInAnyColumnIsTold(_ table: String, _ column: String) throws {
    let recording = try SoundRecording()
    let intact = try Data(contentsOf: URL(fileURLWithPath: recording.path))
    for value in ["'text'", "x'ff00'", "-9223372036854775808", "9e999", "zeroblob(1000000)"] {
      try intact.write(to: URL(fileURLWithPath: recording.path))
      try recording.damage(
        "UPDATE \(table) SET \(column) = \(value) WHERE rowid = (SELECT min(rowid) FROM \(table))")
      #expect(try !recording.faults().isEmpty, "\(value)")
    }
  }

  /// Each of many batches claims all gradients: looking at each claim would take hours.
  @Test func rangesThatOverlapAreWalkedOnce() throws {
    let recording = try SoundRecording()
    try recording.damage(
      """
      WITH RECURSIVE c(x) AS (SELECT 100 UNION ALL SELECT x + 1 FROM c LIMIT 20000)
      INSERT INTO batches (batch_id, run_id, epoch, batch, step, recorded_at, first_gradient_id,
        gradient_count) SELECT x, 1, 1, x, x, 1, 1 + x % 20, 1000000000 FROM c;
      WITH RECURSIVE c(x) AS (SELECT 100 UNION ALL SELECT x + 1 FROM c LIMIT 20000)
      INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, absent)
        SELECT x, 1, 6, 1 FROM c;
      """)
    var count = 0
    let start = ContinuousClock.now
    let summary = try Recording(path: recording.path).verify { _ in count += 1 }
    #expect(summary.gradients <= 20024)
    #expect(count > 20000)
    #expect(ContinuousClock.now - start < .seconds(60))
  }

  @Test func aHistogramThatOverflowsIsTold() throws {
    let recording = try SoundRecording()
    // Two bins of 2^63 − 1 elements each.
    try recording.damage(
      """
      UPDATE gradient_statistics SET exponents_blob = x'CC08FFFFFFFFFFFFFFFF7FFFFFFFFFFFFFFFFF7F'
        WHERE gradient_id = 19
      """)
    #expect(
      try recording.faults() == [
        "gradient: run 'lean', epoch 0, batch 0, weight 'kernel': "
          + "exponents_blob counts too many elements, of 4 that are finite and not zero"
      ])
  }

  @Test func namesOfAFileDoNotReachTheTerminalAsTheyAre() throws {
    let recording = try SoundRecording()
    try recording.damage(
      "UPDATE weights SET name = 'a' || char(10, 27) || '[2J', position = -1 WHERE weight_id = 1")
    #expect(
      try recording.faults() == [
        "weight: run 'mlp', weight 'a\\n\\u{1B}[2J': the position is -1"
      ])
  }
}
