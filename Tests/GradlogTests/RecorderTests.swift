import Foundation
import GRDB
import Testing

@testable import Gradlog

@Suite struct RecorderTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  @Test func keepsEveryBatchBitForBit() throws {
    try GradientRecorder.record(to: path, run: "mlp") { recorder in
      for batch in 0..<3 {
        recorder.record(epoch: 0, batch: batch, loss: 0.5, learningRate: 0.01) {
          $0.add("dense/kernel", [Float(batch), -0.0, .nan, .infinity], shape: [2, 2])
          $0.add("dense/bias", [Float16(0x1p-24)], shape: [1])
          $0.addAbsent("frozen")
        }
      }
    }
    #expect(
      try rows(
        path,
        """
        SELECT run, stage, epoch, batch, step, loss, learning_rate, weight, position, dtype, shape,
          absent, nan_count, posinf_count, norm, values_blob
        FROM gradients WHERE batch = 1
        """) == [
          [
            "mlp", "raw", "0", "1", "1", "0.5", "0.01", "dense/kernel", "0", "float32", "[2,2]",
            "0",
            "1", "1", "1.0", "0000803f000000800000c07f0000807f",
          ],
          [
            "mlp", "raw", "0", "1", "1", "0.5", "0.01", "dense/bias", "1", "float16", "[1]", "0",
            "0",
            "0", "\(0x1p-24)", "0100",
          ],
          [
            "mlp", "raw", "0", "1", "1", "0.5", "0.01", "frozen", "2", "NULL", "NULL", "1", "NULL",
            "NULL", "NULL", "NULL",
          ],
        ])
    #expect(try rows(path, "SELECT count(*) FROM gradients") == [["9"]])
    #expect(FileManager.default.fileExists(atPath: path + "-wal") == false)
  }

  @Test func keepsScalarsAndEmptyTensorsAndUnicodeNames() throws {
    try GradientRecorder.record(to: path, run: "läuft 🏃") { recorder in
      recorder.record(epoch: 0, batch: 0) {
        $0.add("größe/β", [1.5], shape: [])
        $0.add("empty", [Double](), shape: [3, 0])
      }
    }
    #expect(
      try rows(
        path,
        "SELECT run, weight, dtype, shape, element_count, norm, sum, hex(values_blob) FROM gradients"
      )
        == [
          ["läuft 🏃", "größe/β", "float64", "[]", "1", "1.5", "1.5", "000000000000F83F"],
          ["läuft 🏃", "empty", "float64", "[3,0]", "0", "NULL", "0.0", ""],
        ])
  }

  @Test func aNaNLossIsNotAnUnknownOne() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      for (batch, loss) in [Double?.some(.nan), nil, .infinity].enumerated() {
        recorder.record(epoch: 0, batch: batch, loss: loss) { $0.add("w", [1.0], shape: [1]) }
      }
    }
    #expect(
      try rows(path, "SELECT loss, loss_is_nan FROM gradients ORDER BY batch") == [
        ["NULL", "1"], ["NULL", "0"], ["inf", "0"],
      ])
  }

  @Test func resumesARunByName() throws {
    func record(_ epoch: Int, overlap: GradientRecorder.Options.Overlap = .refuse) throws {
      var options = GradientRecorder.Options()
      options.overlap = overlap
      try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
        for batch in 0..<2 {
          recorder.record(epoch: epoch, batch: batch) {
            $0.add("w", [Float(epoch * 10 + batch)], shape: [1])
          }
        }
      }
    }
    try record(0)
    try record(1)
    try record(2)
    let steps = "SELECT epoch, batch, step, sum FROM gradients"
    #expect(
      try rows(path, steps).map { $0.joined(separator: " ") } == [
        "0 0 0 0.0", "0 1 1 1.0", "1 0 2 10.0", "1 1 3 11.0", "2 0 4 20.0", "2 1 5 21.0",
      ])

    let error = #expect(throws: GradlogError.self) { try record(1) }
    #expect(
      error?.description
        == "not in the file: 2 batches; the run already holds epoch 1 batch 0; record each batch once, or open the run with the overlap \"replace\""
    )
    #expect(try rows(path, steps).count == 6)
    #expect(try rows(path, "SELECT dropped_batches FROM runs") == [["2"]])

    try record(1, overlap: .replace)
    #expect(
      try rows(path, steps).map { $0.joined(separator: " ") } == [
        "0 0 0 0.0", "0 1 1 1.0", "1 0 2 10.0", "1 1 3 11.0",
      ])
    #expect(try rows(path, "SELECT count(*) FROM gradient_values") == [["4"]])
  }

  @Test func aRunHasOneStage() throws {
    try GradientRecorder.record(to: path, run: "r") { _ in }
    var options = GradientRecorder.Options()
    options.stage = .applied
    let error = #expect(throws: GradlogError.self) {
      try GradientRecorder(path: path, run: "r", options: options)
    }
    #expect(
      error?.description
        == "run \"r\" holds raw gradients and cannot take applied ones; record raw gradients, or give the run another name"
    )
  }

  @Test func aRunHasOneRecorderAtATime() throws {
    let first = try GradientRecorder(path: path, run: "r")
    let error = #expect(throws: GradlogError.self) { try GradientRecorder(path: path, run: "r") }
    #expect(
      error?.problem == "run \"r\" is being recorded by another recorder of this process")
    try GradientRecorder.record(to: path, run: "other") { _ in }
    try first.close()
    try GradientRecorder.record(to: path, run: "r") { _ in }

    // Process 1 runs as long as the machine does.
    let start = try #require(RecorderProcess.startTime(of: 1))
    let file = try DatabaseQueue(path: path)
    try file.write {
      try $0.execute(
        sql: """
          UPDATE runs SET finished_at = NULL, recorder_process = 1, recorder_process_started = ?
          """, arguments: [start])
    }
    try file.close()
    let elsewhere = #expect(throws: GradlogError.self) {
      try GradientRecorder(path: path, run: "r")
    }
    #expect(elsewhere?.problem == "run \"r\" is being recorded by process 1")
  }

  @Test func aBatchBeforeTheFirstIsNone() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: -1) { $0.add("w", [1.0], shape: [1]) }
    let error = #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(
      error?.problem
        == "not in the file: 1 batch; epoch 0, batch -1, call 0, step 0 is not a place in a training"
    )
  }

  @Test(arguments: ["", "[1]", "{", "{\"a\": 1} x"])
  func theConfigurationIsAJSONObject(configuration: String) {
    var options = GradientRecorder.Options()
    options.configuration = configuration
    #expect(throws: GradlogError.self) {
      try GradientRecorder(path: path, run: "r", options: options)
    }
  }

  @Test func whatDoesNotFitIsCountedAndLeavesNoHalfBatch() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0, 2.0], shape: [2]) }
    recorder.record(epoch: 0, batch: 1) { $0.add("w", [1.0, 2.0], shape: [3]) }
    recorder.record(epoch: 0, batch: 2) {
      $0.add("v", [1.0], shape: [1])
      $0.add("w", [1.0], shape: [1])
    }
    recorder.record(epoch: 0, batch: 3) {
      $0.add("w", [1.0, 2.0], shape: [2])
      $0.add("w", [1.0, 2.0], shape: [2])
    }
    recorder.record(epoch: 0, batch: 4) { $0.add("w", [3.0, 4.0], shape: [2]) }
    let error = #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(
      error?.problem
        == "not in the file: 3 batches; weight \"w\": a float64 tensor of shape [3] cannot be made from 16 bytes"
    )
    #expect(recorder.losses.batches == 3)
    // The training took the steps whose batches are lost.
    #expect(try rows(path, "SELECT batch, step FROM gradients") == [["0", "0"], ["4", "4"]])
    #expect(
      try rows(
        path, "SELECT dropped_batches, failure IS NOT NULL, finished_at IS NOT NULL FROM runs")
        == [["3", "1", "1"]])
  }

  @Test func anExceptionInTheTrainingKeepsWhatWasRecorded() throws {
    struct Stopped: Error {}
    #expect(throws: Stopped.self) {
      try GradientRecorder.record(to: path, run: "r") { recorder in
        recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0], shape: [1]) }
        try recorder.record(epoch: 0, batch: 1) {
          $0.add("w", [1.0], shape: [1])
          throw Stopped()
        }
      }
    }
    #expect(try rows(path, "SELECT batch FROM gradients") == [["0"]])
    #expect(try rows(path, "SELECT finished_at FROM runs") == [["NULL"]])
  }

  @Test func flushMakesBatchesVisibleToReaders() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0], shape: [1]) }
    try recorder.flush()
    #expect(try rows(path, "SELECT count(*) FROM gradients") == [["1"]])
    try recorder.close()
    try recorder.close()
    recorder.record(epoch: 0, batch: 1) { $0.add("w", [1.0], shape: [1]) }
    #expect(recorder.losses.failure?.problem == "a batch came after the recorder was closed")
  }

  @Test func aBatchInPlaceIsInTheFileWhenTheCallReturns() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0, 2.0], shape: [2]) }
    try withUnsafeTemporaryAllocation(of: Double.self, capacity: 2) { memory in
      for batch in 1..<4 {
        memory[0] = Double(batch)
        memory[1] = -0.0
        try recorder.recordInPlace(BatchContext(epoch: 0, batch: batch)) { gradients in
          gradients.add("w", UnsafeBufferPointer(memory), shape: [2])
          gradients.add(
            "view",
            try TensorView(
              dtype: .float64, shape: [1],
              bytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[..<8])))
          gradients.add("array", [Double(batch)], shape: [1])
          gradients.addAbsent("frozen")
        }
        // Whoever reads the memory later than it is borrowed reads this.
        memory.update(repeating: .nan)
        #expect(try rows(path, "SELECT count(*) FROM batches") == [["\(batch + 1)"]])
      }
    }
    try recorder.close()
    #expect(
      try rows(
        path, "SELECT batch, weight, sum, hex(values_blob) FROM gradients WHERE batch IN (0, 3)")
        == [
          ["0", "w", "3.0", "000000000000F03F0000000000000040"],
          ["3", "w", "3.0", "00000000000008400000000000000080"],
          ["3", "view", "3.0", "0000000000000840"],
          ["3", "array", "3.0", "0000000000000840"], ["3", "frozen", "NULL", ""],
        ])
    recorder.recordInPlace(BatchContext(epoch: 0, batch: 4)) { $0.add("w", [1.0], shape: [1]) }
    #expect(recorder.losses.failure?.problem == "a batch came after the recorder was closed")
  }

  @Test func aSmallMemoryLimitMakesTheTrainerWaitAndLosesNothing() throws {
    var options = GradientRecorder.Options()
    options.memoryLimit = 1 << 16
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      let values = [Float](repeating: 1, count: 50_000)
      for batch in 0..<40 {
        recorder.record(epoch: 0, batch: batch) { $0.add("w", values, shape: [50_000]) }
      }
    }
    #expect(
      try rows(path, "SELECT count(*), sum(length(values_blob)) FROM gradients") == [
        ["40", "8000000"]
      ])
  }

  @Test func theDropOptionCountsWhatItDrops() throws {
    var options = GradientRecorder.Options()
    options.memoryLimit = 1
    options.overflow = .drop
    let recorder = try GradientRecorder(path: path, run: "r", options: options)
    // The only slab is out while the outer batch is assembled, so the inner one finds no room.
    recorder.record(epoch: 0, batch: 0) { batch in
      batch.add("w", [1.0], shape: [1])
      recorder.record(epoch: 0, batch: 1) { $0.add("w", [1.0], shape: [1]) }
    }
    #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(recorder.losses.batches == 1)
    #expect(try rows(path, "SELECT batch FROM gradients") == [["0"]])
    #expect(try rows(path, "SELECT dropped_batches FROM runs") == [["1"]])
  }

  @Test func manyThreadsRecordIntoOneRun() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      DispatchQueue.concurrentPerform(iterations: 8) { thread in
        for batch in 0..<200 {
          recorder.record(epoch: thread, batch: batch) {
            $0.add("a", [Float(thread), Float(batch)], shape: [2])
            $0.add("b", [Float](repeating: Float(batch), count: 100), shape: [100])
          }
        }
      }
    }
    #expect(
      try rows(
        path,
        """
        SELECT count(*), count(DISTINCT batch_id), count(DISTINCT step), sum(weight = 'a' AND max = max(epoch, batch))
        FROM gradients
        """) == [["3200", "1600", "1600", "1600"]])
  }

  @Test func findingsAreKeptOncePerWeightAndRule() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      let values =
        [1.0, .nan, 1e-9, 1e-9, 1e-8, 1e11, .infinity, 1e-9, 1e-9] + Array(repeating: 0, count: 51)
      for (batch, value) in values.enumerated() {
        recorder.record(epoch: 0, batch: batch, loss: 0.5) {
          $0.add("w", [value, value], shape: [2])
          $0.add("last", [1.0], shape: [1, 1])
        }
        // Streaks go on from one transaction to the next.
        if batch % 2 == 0 { try recorder.flush() }
      }
    }
    let found = try rows(
      path,
      """
      SELECT rule, severity, weights.name, first.batch, last.batch, batch_count,
        printf('%.6g', value), printf('%g', threshold) FROM findings
      LEFT JOIN weights USING (weight_id)
      JOIN batches AS first ON first.batch_id = first_batch_id
      JOIN batches AS last ON last.batch_id = last_batch_id
      WHERE severity <> 'info' ORDER BY rule, weights.name
      """)
    #expect(
      found == [
        ["dead", "critical", "w", "9", "59", "51", "1", "0.5"],
        ["exploding", "critical", "NULL", "5", "5", "1", "1.41421e+11", "1e+10"],
        ["exploding", "critical", "w", "5", "6", "2", "1.41421e+11", "20"],
        ["nonfinite", "critical", "w", "1", "6", "2", "2", "0"],
        ["stagnation", "critical", "NULL", "7", "59", "53", "53", "10"],
      ])
  }

  @Test func aDeadPathIsCountedNotFatal() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0], shape: [1]) }
    try recorder.flush()
    // Another program breaks the table under the recorder.
    let other = try DatabaseQueue(path: path)
    try other.write { try $0.execute(sql: "DROP VIEW gradients; DROP TABLE gradient_values") }
    try other.close()
    recorder.record(epoch: 0, batch: 1) { $0.add("w", [1.0], shape: [1]) }
    #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(recorder.losses.batches == 1)
  }

  @Test func whatFailsForAWhileIsCountedAndItsStepsToo() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1.0], shape: [1]) }
    try recorder.flush()
    let other = try DatabaseQueue(path: path)
    try other.write { try $0.execute(sql: "ALTER TABLE gradient_values RENAME TO hidden") }
    for batch in 1...3 {
      recorder.record(epoch: 0, batch: batch) { $0.add("v", [1.0], shape: [1]) }
    }
    #expect(throws: GradlogError.self) { try recorder.flush() }
    try other.write { try $0.execute(sql: "ALTER TABLE hidden RENAME TO gradient_values") }
    try other.close()
    recorder.record(epoch: 0, batch: 4) { $0.add("w", [1.0], shape: [1]) }
    #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(recorder.losses.batches == 3)
    #expect(
      try rows(path, "SELECT batch, step, weight FROM gradients") == [
        ["0", "0", "w"], ["4", "4", "w"],
      ])
    #expect(try rows(path, "SELECT dropped_batches FROM runs") == [["3"]])
    #expect(try rows(path, "SELECT name FROM weights") == [["w"]])
  }
}
