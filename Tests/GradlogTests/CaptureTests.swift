import Foundation
import Testing

@testable import Gradlog

/// Whose values are kept, when and how.
@Suite struct CaptureTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  @Test func capturesValuesByPlan() throws {
    let plans: [(CapturePlan, [[String]])] = [
      (try CapturePlan(.every(2)), [["a", "0"], ["b", "0"], ["a", "2"], ["b", "2"]]),
      (try CapturePlan(.epochs(1...1)), [["a", "2"], ["b", "2"], ["a", "3"], ["b", "3"]]),
      (try CapturePlan(.none), []),
      (try CapturePlan(.every(3), include: ["a*"]), [["a", "0"], ["a", "3"]]),
      (try CapturePlan(.every(3), include: ["*"], exclude: ["[!b]"]), [["b", "0"], ["b", "3"]]),
    ]
    for (index, (plan, expected)) in plans.enumerated() {
      var options = GradientRecorder.Options()
      options.capture = plan
      try GradientRecorder.record(to: path, run: "\(index)", options: options) { recorder in
        for step in 0..<4 {
          recorder.record(epoch: step / 2, batch: step % 2) {
            $0.add("a", [1.0], shape: [1])
            $0.add("b", [1.0], shape: [1])
          }
        }
      }
      #expect(
        try rows(
          path,
          "SELECT weight, step FROM gradients WHERE run = '\(index)' AND values_blob IS NOT NULL")
          == expected)
      #expect(
        try rows(path, "SELECT count(norm) FROM gradients WHERE run = '\(index)'") == [["8"]])
    }
  }

  @Test func measuresAtOnceWhatIsNotKept() throws {
    // Large enough to be measured rather than copied, with neighbours that are copied.
    var random = SplitMix64(seed: 7)
    let count = 40_000
    let batches = (0..<6).map { batch in
      (0..<count).map { _ in Float.random(in: -1...1, using: &random) * (batch == 3 ? 0x1p-130 : 1)
      }
    }
    let odd: [Float] = [.nan, .infinity, -.infinity, -0.0, 0x1p-140]
    let columns = """
      epoch, batch, step, weight, absent, zero_count, nan_count, posinf_count, neginf_count, sum, sum_abs,
      sum_squares, norm, rms, std, min, max, abs_p1, abs_median, abs_p99, float16_underflow,
      bfloat16_underflow, hex(exponents_blob)
      """
    func record(_ run: String, _ plan: CapturePlan) throws -> [[String]] {
      var options = GradientRecorder.Options()
      options.capture = plan
      try GradientRecorder.record(to: path, run: run, options: options) { recorder in
        struct Refused: Error {}
        for (batch, values) in batches.enumerated() {
          let context = BatchContext(epoch: 0, batch: batch, step: batch)
          // What a discarded batch measured is forgotten with it.
          #expect(throws: Refused.self) {
            try recorder.record(context) {
              $0.add("large", batches[5 - batch], shape: [count])
              throw Refused()
            }
          }
          recorder.record(context) { gradients in
            gradients.add("small", Array(values[..<5]), shape: [5])
            values.withUnsafeBufferPointer { gradients.add("large", $0, shape: [200, 200]) }
            gradients.addAbsent("frozen")
            gradients.add("odd", odd + values, shape: [count + 5])
          }
        }
      }
      return try rows(
        path, "SELECT \(columns) FROM gradients WHERE run = '\(run)' ORDER BY gradient_id")
    }
    let kept = try record("kept", .everything)
    #expect(kept.count == 24)
    #expect(try record("none", CapturePlan(.none)) == kept)
    #expect(try record("second", CapturePlan(.every(2))) == kept)
    #expect(try record("epoch", CapturePlan(.epochs(1...2))) == kept)
    #expect(
      try rows(
        path,
        """
        SELECT run, count(values_blob), count(DISTINCT batch) FROM gradients
        WHERE values_blob IS NOT NULL GROUP BY run
        """) == [["kept", "18", "6"], ["second", "9", "3"]])
  }

  /// Which batches have values when these are recorded under a plan.
  private func captured(_ norms: [Double], _ plan: CapturePlan) throws -> [String] {
    var options = GradientRecorder.Options()
    options.capture = plan
    let run = UUID().uuidString
    try GradientRecorder.record(to: path, run: run, options: options) { recorder in
      for (batch, norm) in norms.enumerated() {
        recorder.record(epoch: 0, batch: batch) {
          $0.add("a", [Double(batch) + 0.5], shape: [])
          $0.add("b", [norm], shape: [1])
        }
        // Some transactions of several batches, some of one.
        if batch % 3 == 0 { try recorder.flush() }
      }
    }
    let found = try rows(
      path,
      """
      SELECT group_concat(batch) FROM gradients
      WHERE run = '\(run)' AND weight = 'b' AND values_blob IS NOT NULL
      """)
    // What was kept late is what was recorded then.
    #expect(
      try rows(
        path,
        """
        SELECT count(*) FROM gradients JOIN gradient_values USING (gradient_id)
        WHERE run = '\(run)' AND weight = 'a' AND length(gradients.values_blob) = 8
        """) == [["\(found[0][0] == "NULL" ? 0 : found[0][0].split(separator: ",").count)"]])
    return found[0][0] == "NULL" ? [] : found[0][0].split(separator: ",").map(String.init)
  }

  @Test func keepsValuesAroundFindings() throws {
    let healthy = 1.0
    let sick = Double.nan
    func norms(_ pattern: String) -> [Double] { pattern.map { $0 == "x" ? sick : healthy } }
    let around = try CapturePlan(.aroundFindings(before: 2, after: 1))
    #expect(try captured(norms(".........."), around) == [])
    #expect(try captured(norms(".....x...."), around) == ["3", "4", "5", "6"])
    #expect(try captured(norms("x........."), around) == ["0", "1"])
    // A finding begins once, whether it lasts or comes back.
    #expect(try captured(norms("....xxxxx."), around) == ["2", "3", "4", "5"])
    #expect(try captured(norms("...x.x...."), around) == ["1", "2", "3", "4"])
    #expect(try captured(norms("...x....x."), around) == ["1", "2", "3", "4"])
    let only = try CapturePlan(.aroundFindings(before: 0, after: 0))
    #expect(try captured(norms("..x..x"), only) == ["2"])
  }

  @Test func keepsTheBitsOfTheBatchesBeforeAFinding() throws {
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(.aroundFindings(before: 3, after: 0))
    try GradientRecorder.record(to: path, run: "s", options: options) { recorder in
      for batch in 0..<6 {
        recorder.record(epoch: 0, batch: batch) {
          $0.add("w", [Double(batch), batch == 4 ? .infinity : 1], shape: [2])
        }
      }
    }
    #expect(
      try rows(
        path, "SELECT batch, hex(substr(values_blob, 1, 8)) FROM gradients WHERE encoding = 'dense'"
      )
        == [
          ["1", "000000000000F03F"], ["2", "0000000000000040"], ["3", "0000000000000840"],
          ["4", "0000000000001040"],
        ])
  }

  @Test func roundsValuesOnRequestAndNeverStatistics() throws {
    let value = 1.0 + 0x1p-9
    for encoding in [ValueEncoding.float16, .bfloat16] {
      var options = GradientRecorder.Options()
      options.capture = try CapturePlan(.everyBatch, encoding: encoding)
      try GradientRecorder.record(to: path, run: encoding.rawValue, options: options) { recorder in
        recorder.record(epoch: 0, batch: 0) {
          $0.add("double", [value, -1e300, .nan], shape: [3])
          $0.add("half", [Float16(1.5)], shape: [1])
        }
      }
    }
    #expect(
      try rows(
        path, "SELECT run, weight, dtype, encoding, hex(values_blob), max FROM gradients") == [
          ["float16", "double", "float64", "float16", "023C00FC007E", "\(value)"],
          ["float16", "half", "float16", "dense", "003E", "1.5"],
          ["bfloat16", "double", "float64", "bfloat16", "803F80FFC07F", "\(value)"],
          ["bfloat16", "half", "float16", "dense", "003E", "1.5"],
        ])
  }

  @Test func stopsKeepingValuesAtTheBudgetOfTheFile() throws {
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(.everyBatch, fileBudget: 3 << 20)
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      let values = [Float](repeating: 1, count: 100_000)
      for batch in 0..<20 {
        recorder.record(epoch: 0, batch: batch) { $0.add("w", values, shape: [100_000]) }
        try recorder.flush()
      }
    }
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    #expect(try #require(size) < 4 << 20)
    let stopped = try rows(
      path,
      """
      SELECT count(norm), count(values_blob), max(batch) FILTER (WHERE values_blob IS NOT NULL) + 1
      FROM gradients
      """)
    #expect(stopped[0][0] == "20" && stopped[0][1] == stopped[0][2] && stopped[0][1] != "20")
    #expect(
      try rows(
        path,
        """
        SELECT batch, values_stopped_reason, dropped_values, failure FROM runs
        JOIN batches ON batch_id = values_stopped_batch_id
        """) == [
          [
            stopped[0][1], "the file reached its budget of 3145728 bytes; statistics went on", "0",
            "NULL",
          ]
        ])
  }

  @Test(arguments: ["", "[a", "x[^", "[]"])
  func refusesBadPatterns(pattern: String) {
    #expect(throws: GradlogError.self) { try CapturePlan(.everyBatch, include: [pattern]) }
  }
}
