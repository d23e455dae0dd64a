import Foundation
import GRDB
import Gradlog
import GradlogAnalysis
import Testing

/// One thing is damaged in a sound file: exactly that is told.
@Suite struct VerificationTests {
  /// SQL that damages the file, and the line that is to be said of it.
  struct Damage: CustomTestStringConvertible, Sendable {
    let sql: String
    let line: String
    var testDescription: String { sql }

    init(_ sql: String, _ line: String) {
      self.sql = sql
      self.line = line
    }
  }

  @Test func aRecordingIsSound() throws {
    let recording = try SoundRecording()
    var faults: [Fault] = []
    let summary = try Recording(path: recording.path).verify { faults.append($0) }
    #expect(faults == [])
    #expect(summary.runs == 2)
    #expect(summary.batches == 4)
    #expect(summary.gradients == 24)
    #expect(summary.gradientsWithValues == 15)
    #expect(summary.recomputed == 15)
    #expect(summary.faults == 0)
  }

  private static let runsAndWeights = [
    Damage(
      "UPDATE runs SET rank = 3 WHERE name = 'mlp'",
      "run: run 'mlp', rank 3: rank 3 is not one of world_size 1"),
    Damage(
      "UPDATE runs SET configuration = '[1]' WHERE name = 'mlp'",
      "run: run 'mlp': the configuration is not a JSON object"),
    Damage(
      "UPDATE weights SET position = -1 WHERE weight_id = 2",
      "weight: run 'mlp', weight 'bias': the position is -1"),
    Damage(
      "UPDATE weights SET frozen = 2 WHERE weight_id = 2",
      "weight: run 'mlp', weight 'bias': frozen is 2"),
    Damage(
      "UPDATE weights SET initial_norm = -1 WHERE weight_id = 2",
      "weight: run 'mlp', weight 'bias': initial_norm is -1"),
    Damage(
      "UPDATE weights SET dtype = 'float17' WHERE weight_id = 2",
      "weight: run 'mlp', weight 'bias': the dtype is float17"),
    Damage(
      "UPDATE weights SET shape = '[2' WHERE weight_id = 2",
      "weight: run 'mlp', weight 'bias': the shape is [2"),
    Damage(
      "UPDATE weights SET element_count = 3 WHERE weight_id = 2",
      "weight: run 'mlp', weight 'bias': element_count is 3, which the shape [2] does not have"),
  ]

  private static let freezings = [
    Damage(
      "UPDATE freezings SET frozen = 2",
      "weight: run 'mlp', epoch 0, batch 1, weight 'frozen': frozen is 2 from this batch on"),
    Damage(
      "UPDATE freezings SET frozen = 0",
      "weight: run 'mlp', epoch 0, batch 1, weight 'frozen': frozen is 0 from this batch on, and at last 1"
    ),
    Damage(
      "UPDATE weights SET frozen = 0",
      "weight: run 'mlp', epoch 0, batch 1, weight 'frozen': frozen is 1 from this batch on, and at last 0"
    ),
    Damage(
      "INSERT INTO freezings VALUES (6, 3, 1)",
      "weight: run 'mlp', epoch 0, batch 2, weight 'frozen': frozen is 1 from this batch on, as before"
    ),
    Damage(
      "UPDATE freezings SET first_batch_id = 4",
      "weight: run 'mlp', epoch 0, batch 0, weight 'frozen': freezings refers to a batch of another run"
    ),
    Damage(
      "UPDATE freezings SET weight_id = 99",
      "reference: a row of freezings refers to a row of weights that is not there"),
  ]

  private static let constraints = [
    Damage(
      "PRAGMA ignore_check_constraints = 1; UPDATE runs SET stage = 'cooked' WHERE name = 'mlp'",
      "run: run 'mlp': the stage is 'cooked'"),
    Damage(
      "PRAGMA ignore_check_constraints = 1; UPDATE findings SET severity = '' WHERE rule = 'nonfinite' AND run_id = 1",
      "finding: run 'mlp', epoch 0, batch 0, weight 'odd': the finding 'nonfinite' has no known severity"
    ),
  ]

  private static let references = [
    Damage(
      "UPDATE gradient_statistics SET weight_id = 99 WHERE gradient_id = 2",
      "reference: run 'mlp', epoch 0, batch 0: row 2 of gradient_statistics refers to a row of weights that is not there"
    ),
    Damage(
      "DELETE FROM batches WHERE batch_id = 1; DELETE FROM gradient_statistics WHERE gradient_id <= 6; DELETE FROM gradient_values WHERE gradient_id BETWEEN 2 AND 6; DELETE FROM findings; DELETE FROM gradient_series",
      "reference: row 1 of gradient_values refers to a row of gradient_statistics that is not there"
    ),
    Damage(
      "UPDATE findings SET finding_id = 70, first_batch_id = 99 WHERE rule = 'nonfinite' AND run_id = 1",
      "reference: row 70 of findings refers to a row of batches that is not there"),
  ]

  private static let batches = [
    Damage(
      "UPDATE batches SET epoch = -1 WHERE batch_id = 2",
      "batch: run 'mlp', epoch -1, batch 1: epoch is -1"),
    Damage(
      "UPDATE batches SET loss_is_nan = 2 WHERE batch_id = 2",
      "batch: run 'mlp', epoch 0, batch 1: loss_is_nan is 2"),
    Damage(
      "UPDATE batches SET loss = 1 WHERE batch_id = 2",
      "batch: run 'mlp', epoch 0, batch 1: loss_is_nan is 1, and there is a loss"),
    Damage(
      "UPDATE batches SET gradient_count = 7 WHERE batch_id = 2",
      "batch: run 'mlp', epoch 0, batch 1: its gradients 7 to 13 overlap those of the next batch"),
    Damage(
      "UPDATE batches SET gradient_count = 5 WHERE batch_id = 2",
      "gradient: run 'mlp', weight 'frozen': gradient 12 is in the range of no batch"),
    Damage(
      "DELETE FROM gradient_statistics WHERE gradient_id = 12",
      "batch: run 'mlp', epoch 0, batch 1: gradient_count is 6, and 5 rows are there"),
    Damage(
      "UPDATE gradient_statistics SET batch_id = 1 WHERE gradient_id = 12",
      "gradient: run 'mlp', epoch 0, batch 1, weight 'frozen': batch_id is 1, in the range of batch_id 2"
    ),
    Damage(
      "UPDATE gradient_statistics SET weight_id = 12 WHERE gradient_id = 12",
      "gradient: run 'mlp', epoch 0, batch 1, weight 'frozen': its weight belongs to another run"),
    Damage(
      "UPDATE gradient_statistics SET weight_id = 5 WHERE gradient_id = 12",
      "gradient: run 'mlp', epoch 0, batch 1, weight 'empty': the batch has two gradients of this weight"
    ),
  ]

  private static let kernel = "run 'mlp', epoch 0, batch 1, weight 'kernel'"
  private static let leanKernel = "run 'lean', epoch 0, batch 0, weight 'kernel'"

  private static let rows = [
    Damage(
      "UPDATE gradient_statistics SET norm = 1 WHERE gradient_id = 12",
      "gradient: run 'mlp', epoch 0, batch 1, weight 'frozen': it is absent, and norm is 1"),
    Damage(
      "INSERT INTO gradient_values VALUES (12, 'dense', x'')",
      "values: run 'mlp', epoch 0, batch 1, weight 'frozen': it is absent, and has values"),
    Damage(
      "UPDATE gradient_statistics SET absent = 2 WHERE gradient_id = 7",
      "gradient: \(kernel): absent is 2"),
    Damage(
      "UPDATE gradient_values SET encoding = 'sparse' WHERE gradient_id = 7",
      "values: \(kernel): the encoding is 'sparse'"),
    Damage(
      "UPDATE gradient_values SET values_blob = 'text' WHERE gradient_id = 7",
      "values: \(kernel): values_blob is of type text"),
    Damage(
      "UPDATE gradient_values SET values_blob = zeroblob(23) WHERE gradient_id = 7",
      "values: \(kernel): values_blob has 23 bytes, float32 [2,3] has 24"),
    Damage(
      "UPDATE gradient_statistics SET zero_count = 7 WHERE gradient_id = 19",
      "gradient: \(leanKernel): zero_count is 7, of 6 elements"),
    Damage(
      "UPDATE gradient_statistics SET nan_count = 5 WHERE gradient_id = 19",
      "gradient: \(leanKernel): more zero, NaN and infinite elements are counted than the 6 there are"
    ),
    Damage(
      "UPDATE gradient_statistics SET sum_squares = NULL WHERE gradient_id = 19",
      "gradient: \(leanKernel): sum_squares is NULL"),
    Damage(
      "UPDATE gradient_statistics SET std = NULL WHERE gradient_id = 19",
      "gradient: \(leanKernel): std is NULL, with 6 finite elements"),
    Damage(
      "UPDATE gradient_statistics SET exponents_blob = x'ff' WHERE gradient_id = 19",
      "gradient: \(leanKernel): exponents_blob is not an exponent histogram"),
    Damage(
      "UPDATE gradient_statistics SET zero_count = 1 WHERE gradient_id = 19",
      "gradient: \(leanKernel): exponents_blob counts 4 elements, of 5 that are finite and not zero"
    ),
    Damage(
      "UPDATE gradient_statistics SET min = -1.5 WHERE gradient_id = 19",
      "gradient: \(leanKernel): min -1.5 and max 1.0 do not end in the highest bin of exponents_blob"
    ),
    Damage(
      "UPDATE gradient_statistics SET float16_underflow_count = 2 WHERE gradient_id = 19",
      "gradient: \(leanKernel): float16_underflow_count is 2, exponents_blob gives 1"),
    Damage(
      "UPDATE gradient_statistics SET max = -3 WHERE gradient_id = 19",
      "gradient: \(leanKernel): min -2.0 is above max -3.0"),
    Damage(
      "UPDATE gradient_statistics SET sum = 4 WHERE gradient_id = 19",
      "gradient: \(leanKernel): sum is 4, beyond sum_abs is 3.5"),
    Damage(
      "UPDATE gradient_statistics SET abs_p5 = 1 WHERE gradient_id = 19",
      "gradient: \(leanKernel): the quantiles of |g| do not ascend to its maximum"),
  ]

  private static let statistics = [
    Damage(
      "UPDATE gradient_statistics SET zero_rows = 1 WHERE gradient_id = 7",
      "gradient: \(kernel): zero_rows is 1 and zero_columns 0, of shape [2, 3] with 1 zeros"),
    Damage(
      "UPDATE gradient_statistics SET zero_columns = NULL WHERE gradient_id = 7",
      "gradient: \(kernel): zero_rows is 0 and zero_columns NULL, of shape [2, 3] with 1 zeros"
    ),
    Damage(
      "UPDATE gradient_statistics SET zero_columns = 0 WHERE gradient_id = 1",
      "statistics: run 'mlp', epoch 0, batch 0, weight 'kernel': zero_rows is 0 and zero_columns 0, the values give 0 and 1"
    ),
    Damage(
      "UPDATE gradient_statistics SET cosine = 2 WHERE gradient_id = 7",
      "gradient: \(kernel): cosine is 2, of 6 elements"),
    Damage(
      "UPDATE gradient_statistics SET cosine = 0.5 WHERE gradient_id = 7",
      "statistics: \(kernel): cosine is 0.5, the values give 0.9165151119232178"),
    Damage(
      "UPDATE gradient_statistics SET norm = norm * 1.00000001 WHERE gradient_id = 7",
      "statistics: \(kernel): norm is 2.500000025, the values give 2.5"),
    Damage(
      "UPDATE gradient_statistics SET max = 1.0000000000000002 WHERE gradient_id = 7",
      "statistics: \(kernel): max is 1.0000000000000002, the values give 1.0"),
    Damage(
      "UPDATE gradient_statistics SET exponents_blob = (SELECT exponents_blob FROM gradient_statistics WHERE gradient_id = 13) WHERE gradient_id = 1",
      "gradient: run 'mlp', epoch 0, batch 0, weight 'kernel': exponents_blob counts 5 elements, of 4 that are finite and not zero"
    ),
    // 0.5 becomes 0.75, in the same bin.
    Damage(
      "UPDATE gradient_values SET values_blob = x'0000803f000000c0000000000000403f000200000000803f' WHERE gradient_id = 7",
      "statistics: \(kernel): sum is 0.5, the values give 0.75; sum_abs is 4.5, the values give 4.75; and 4 more columns differ"
    ),
  ]

  private static let findings = [
    Damage(
      "UPDATE findings SET last_batch_id = 4 WHERE rule = 'nonfinite' AND run_id = 1",
      "finding: run 'mlp', epoch 0, batch 0, weight 'odd': the finding 'nonfinite' refers to a batch of another run"
    ),
    Damage(
      "UPDATE findings SET weight_id = 12 WHERE rule = 'nonfinite' AND run_id = 1",
      "finding: run 'mlp', epoch 0, batch 0, weight 'frozen': the finding 'nonfinite' refers to a weight of another run"
    ),
    Damage(
      "UPDATE findings SET first_batch_id = 3, last_batch_id = 1 WHERE rule = 'nonfinite' AND run_id = 1",
      "finding: run 'mlp', epoch 0, batch 2, weight 'odd': the finding 'nonfinite' ends before it begins"
    ),
    Damage(
      "UPDATE findings SET batch_count = 0 WHERE rule = 'nonfinite' AND run_id = 1",
      "finding: run 'mlp', epoch 0, batch 0, weight 'odd': the finding 'nonfinite' was broken by no batch"
    ),
  ]

  private static let series = [
    Damage(
      "UPDATE gradient_series SET batch_count = 2 WHERE run_id = 1",
      "series: run 'mlp': the blobs of row 1 do not fit 2 batches of 6 weights"),
    Damage(
      "UPDATE gradient_series SET absent_blob = x'00' WHERE run_id = 2",
      "series: run 'lean': the blobs of row 19 do not fit 1 batches of 6 weights"),
    Damage(
      "UPDATE gradient_series SET norms_blob = zeroblob(144) WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'kernel': norm is 0 in gradient_series, and "
        + "2.29129 in gradient_statistics"),
    Damage(
      "UPDATE gradient_series SET mean_abs_nonzero_blob = norms_blob WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'kernel': the mean of |g| over non-zero elements "
        + "is 2.29129 in gradient_series, and 0.875 in gradient_statistics"),
    Damage(
      "UPDATE gradient_series SET absent_blob = NULL WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'frozen': absent is 0 in gradient_series, and 1 "
        + "in gradient_statistics"),
    Damage(
      "UPDATE gradient_series SET nonfinite_blob = NULL WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'odd': nan_count is 0 in gradient_series, and 1 "
        + "in gradient_statistics"),
    Damage(
      "UPDATE gradient_series SET cosines_blob = x'00000000' WHERE run_id = 1",
      "series: run 'mlp': the blobs of row 1 do not fit 3 batches of 6 weights"),
    Damage(
      "UPDATE gradient_series SET zero_counts_blob = NULL WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'kernel': zero_count is 0 in gradient_series, and 2 in gradient_statistics"
    ),
    Damage(
      "UPDATE gradient_series SET zero_slices_blob = NULL WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'kernel': zero_columns is 0 in gradient_series, and 1 in gradient_statistics"
    ),
    Damage(
      "UPDATE gradient_series SET first_batch_id = 2 WHERE run_id = 1",
      "series: run 'mlp', epoch 0, batch 0, weight 'kernel': batch_id is 2 in gradient_series, and "
        + "1 in gradient_statistics"),
  ]

  private static let schema = [
    Damage("PRAGMA user_version = 0", "schema: user_version is 0, which no format of gradlog has"),
    Damage(
      "DROP TABLE findings; CREATE VIEW findings AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
      "schema: the table findings is not that of format 4"),
    Damage(
      "ALTER TABLE findings ADD COLUMN more", "schema: the table findings is not that of format 4"),
    Damage(
      "DELETE FROM grdb_migrations",
      "schema: grdb_migrations does not list 'format-4', though user_version says so"),
    Damage(
      "DROP VIEW gradients; CREATE VIEW gradients AS SELECT 1 AS run",
      "schema: the view gradients is not that of format 4"),
  ]

  @Test(
    arguments: runsAndWeights + freezings + constraints + references + batches + rows + statistics
      + findings
      + series + schema)
  func damageIsTold(_ damage: Damage) throws {
    let recording = try SoundRecording()
    try recording.damage(damage.sql)
    let faults = try recording.faults()
    #expect(faults == [damage.line])
  }

  @Test func aBatchWithoutARangeLosesItsGradients() throws {
    let recording = try SoundRecording()
    try recording.damage(
      "UPDATE batches SET gradient_count = 9223372036854775807 WHERE batch_id = 4")
    let faults = try recording.faults()
    #expect(
      faults.first
        == "batch: run 'lean', epoch 0, batch 0: first_gradient_id 19 and gradient_count "
        + "9223372036854775807 make no range")
    #expect(
      faults.dropFirst().map { $0.suffix(36) }
        == (19...24).map {
          "gradient \($0) is in the range of no batch"
        }.map { $0.suffix(36) })
    #expect(faults.count == 7)
  }

  @Test func damagedPagesAreTold() throws {
    let recording = try SoundRecording()
    let handle = try #require(FileHandle(forUpdatingAtPath: recording.path))
    // Past the header and the schema's page lie the tables; one of them is wiped out.
    try handle.seek(toOffset: 2 * 65_536)
    try handle.write(contentsOf: Data(repeating: 0xA5, count: 65_536))
    try handle.close()
    let faults = try recording.faults()
    #expect(faults.contains { $0.hasPrefix("file: ") })
    #expect(faults.allSatisfy { !$0.contains("\n") })
  }

  @Test func aRunIsVerifiedAlone() throws {
    let recording = try SoundRecording()
    try recording.damage("UPDATE gradient_statistics SET norm = 9 WHERE gradient_id = 7")
    var options = VerificationOptions()
    options.run = "lean"
    #expect(try recording.faults(options) == [])
    options.run = "mlp"
    #expect(try recording.faults(options).count == 1)
    options.run = "mpl"
    let error = try #require(throws: GradlogError.self) { try recording.faults(options) }
    #expect(error.remedy == "did you mean 'mlp'?")
  }

  @Test func theSampleIsAsLargeAsAskedForAndAlwaysTheSame() throws {
    let recording = try SoundRecording()
    try recording.damage(
      "UPDATE gradient_statistics SET norm = norm * 2; DELETE FROM gradient_series")
    var options = VerificationOptions()
    options.share = 0
    #expect(try recording.faults(options) == [])
    options.share = 0.5
    let half = try recording.faults(options)
    #expect((1...11).contains(half.count))
    #expect(try recording.faults(options) == half)
    options.share = 1
    #expect(try recording.faults(options).count == 12)
  }
}
