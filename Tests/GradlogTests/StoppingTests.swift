import GRDB
import Testing

@testable import Gradlog

/// With a stop condition, what is recorded is judged before the call returns.
@Suite struct StoppingTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  private func options(
    _ change: (inout GradientRecorder.Options) -> Void = { _ in }
  ) -> GradientRecorder.Options {
    var options = GradientRecorder.Options()
    options.stopOn = .severity(.critical)
    // Nothing is written before the recorder is closed.
    options.commitInterval = 3600
    change(&options)
    return options
  }

  enum Handing: CaseIterable { case copied, inPlace, measured, overSeveralCalls }

  @Test(arguments: Handing.allCases)
  func theBatchIsJudgedBeforeTheCallReturns(handing: Handing) throws {
    let recorder = try GradientRecorder(
      path: path, run: "r",
      options: options { if handing == .measured { $0.capture = try! CapturePlan(.none) } })
    // Large enough that their statistics alone are taken when no values are kept.
    var values = [Float](repeating: 1, count: 5000)
    for batch in 0..<20 {
      values[7] = batch == 12 ? .nan : Float(batch % 3)
      let context = BatchContext(epoch: 1, batch: batch)
      func add(_ gradients: inout GradientBatch) {
        values.withUnsafeBufferPointer { gradients.add("w", $0, shape: [50, 100]) }
        gradients.addAbsent("frozen", isFrozen: true)
      }
      switch handing {
      case .copied, .measured: recorder.record(context, add)
      case .inPlace: recorder.recordInPlace(context, add)
      case .overSeveralCalls:
        var gradients = try recorder.begin(context)
        add(&gradients)
        #expect(recorder.stopped == nil || batch > 12)
        #expect(recorder.end(gradients, context) == nil)
      }
      #expect(recorder.stopped?.batch == (batch < 12 ? nil : 12))
    }
    #expect(recorder.findings.map(\.weight) == ["w"])
    #expect(recorder.stopped?.step == 12 && recorder.stopped?.epoch == 1)
    try recorder.close()
    #expect(
      try rows(path, "SELECT count(*), count(DISTINCT batch_id), count(norm) FROM gradients")
        == [["40", "20", "20"]])
    #expect(
      try rows(
        path,
        "SELECT count(*) FROM gradients WHERE weight = 'w' AND (cosine IS NULL) = (batch IN (0, 12, 13))"
      )
        == [["20"]])
    #expect(
      try rows(
        path,
        "SELECT rule, batch, batch_count FROM findings JOIN batches ON batch_id = first_batch_id WHERE severity = 'critical'"
      )
        == [["nonfinite", "12", "1"]])
  }

  /// Neither another writer's lock nor a full memory is waited for longer than without a condition.
  @Test func aLockedFileHoldsNobodyUp() throws {
    let recorder = try GradientRecorder(
      path: path, run: "r",
      options: options {
        $0.commitInterval = 0.01
        $0.stopOn = .rule(.nonFinite)
      })
    recorder.record(epoch: 0, batch: 0) { $0.add("w", [1] as [Float], shape: [1]) }
    try recorder.flush()
    let other = try DatabaseFile.openForRecording(path)
    try other.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE")
      for batch in 1..<50 {
        recorder.record(epoch: 0, batch: batch) {
          $0.add("w", [batch == 49 ? Float.infinity : 1], shape: [1])
        }
        #expect((recorder.stopped != nil) == (batch == 49))
      }
      try db.execute(sql: "ROLLBACK")
    }
    try other.close()
    try recorder.close()
    #expect(try rows(path, "SELECT count(*) FROM batches") == [["50"]])
  }

  @Test func theMemoryLimitHolds() throws {
    let recorder = try GradientRecorder(
      path: path, run: "r", options: options { $0.memoryLimit = 1 << 16 })
    for batch in 0..<200 {
      recorder.record(epoch: 0, batch: batch) {
        $0.add("w", [Float](repeating: Float(batch), count: 1000), shape: [1000])
      }
    }
    try recorder.close()
    #expect(try rows(path, "SELECT count(*) FROM batches") == [["200"]])
  }

  /// The directions that the file tells are those between neighbours in the file, whoever handed them in.
  @Test func severalThreadsAreJudgedInTheOrderOfTheFile() async throws {
    let recorder = try GradientRecorder(path: path, run: "r", options: options())
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          for batch in 0..<100 {
            recorder.record(epoch: thread, batch: batch) {
              $0.add("w", [Float(thread + 1), Float(batch) - 50], shape: [2])
            }
          }
        }
      }
    }
    try recorder.close()
    let found = try rows(
      path, "SELECT epoch, batch, cosine FROM gradients ORDER BY gradient_id")
    #expect(found.count == 400 && found[0][2] == "NULL")
    func vector(_ row: [String]) -> (Double, Double) {
      ((Double(row[0]) ?? .nan) + 1, (Double(row[1]) ?? .nan) - 50)
    }
    for (before, now) in zip(found, found.dropFirst()) {
      let ((a, b), (c, d)) = (vector(before), vector(now))
      let cosine = (a * c + b * d) / ((a * a + b * b) * (c * c + d * d)).squareRoot()
      #expect(abs(cosine - (Double(now[2]) ?? .nan)) < 1e-6, "\(before) \(now)")
    }
  }

  @Test func whatDoesNotFitIsRefusedAndNotJudged() throws {
    let recorder = try GradientRecorder(path: path, run: "r", options: options())
    func record(_ batch: Int, _ values: [Float]) {
      recorder.record(epoch: 0, batch: batch) { $0.add("w", values, shape: [values.count]) }
    }
    record(0, [1, 2])
    record(1, [.nan, 1, 2])
    #expect(recorder.stopped == nil)
    record(2, [2, 1])
    // The file has this batch: it is judged, but not recorded.
    record(2, [1, 1])
    record(3, [2, 1])
    #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(
      try rows(path, "SELECT batch, step, round(cosine, 3) FROM gradients") == [
        ["0", "0", "NULL"], ["2", "2", "0.8"], ["3", "4", "NULL"],
      ])
  }

  @Test(arguments: [false, true]) func aReplacedRunGoesOnWithItsSteps(isUrgent: Bool) throws {
    func record(_ batches: Range<Int>, in epoch: Int) throws {
      let options = options {
        $0.overlap = .replace
        if !isUrgent { $0.stopOn = nil }
      }
      try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
        for batch in batches {
          let step = epoch == 0 ? 10 * batch : nil
          recorder.record(BatchContext(epoch: epoch, batch: batch, step: step)) {
            $0.add("w", [batch == 7 ? Float.nan : 1], shape: [1])
          }
        }
        if batches.contains(7) {
          try recorder.flush()
          #expect(recorder.findings.map(\.step) == [epoch == 0 ? 70 : 53])
        }
      }
    }
    try record(0..<9, in: 0)
    try record(6..<7, in: 0)
    #expect(try rows(path, "SELECT max(step), count(*) FROM batches") == [["60", "7"]])
    try record(5..<6, in: 0)
    try record(5..<8, in: 1)
    #expect(
      try rows(path, "SELECT step FROM batches").map { $0[0] } == [
        "0", "10", "20", "30", "40", "50", "51", "52", "53",
      ])
  }
}
