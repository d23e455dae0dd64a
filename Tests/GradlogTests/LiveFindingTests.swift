import Testing

@testable import Gradlog

/// What a training is told while it runs.
@Suite struct LiveFindingTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  /// Records one gradient of `a` and one of `b` for each pair.
  private func record(
    _ pairs: [(Float, Float)], stopOn: GradientRecorder.StopCondition? = nil
  ) throws -> (heard: [LiveFinding], findings: [LiveFinding], stopped: LiveFinding?) {
    let heard = Monitor([LiveFinding]())
    var options = GradientRecorder.Options()
    options.onFinding = { finding in heard.withLock { $0.append(finding) } }
    options.stopOn = stopOn
    // A run of its own each time.
    let run = "stops on \(stopOn, default: "nothing")"
    let recorder = try GradientRecorder(path: path, run: run, options: options)
    for (batch, pair) in pairs.enumerated() {
      recorder.record(epoch: 2, batch: batch) {
        $0.add("a", [pair.0], shape: [1])
        $0.add("b", [pair.1], shape: [1])
      }
    }
    try recorder.flush()
    let result = (heard.withLock { $0 }, recorder.findings, recorder.stopped)
    try recorder.close()
    return result
  }

  @Test func eachWeightAndRuleIsCalledOutOnce() throws {
    let (heard, findings, stopped) = try record(
      [(1, 1), (.nan, 1), (1, 1), (.nan, .infinity), (1e20, 1), (1e30, 1)])
    #expect(heard == findings)
    #expect(stopped == nil)
    #expect(
      heard.map { "\($0.rule) \($0.severity) \($0.weight) \($0.epoch) \($0.batch) \($0.step)" } == [
        "nonFinite critical a 2 1 1", "nonFinite critical b 2 3 3", "exploding critical a 2 4 4",
      ])
    #expect(heard.last?.value == Double(Float(1e20)))
    #expect(
      heard.first?.description
        == "nonfinite gradient of \"a\" in epoch 2, batch 1: 1.0; look at the first batch of it: "
        + "lower the learning rate, clip gradients, check the inputs for NaN")
  }

  @Test func theConditionThatIsAskedForStops() throws {
    let trouble: [(Float, Float)] = Array(repeating: (0, 1), count: 21) + [(0, 1e20), (0, .nan)]
    #expect(try record(trouble, stopOn: .severity(.warning)).stopped?.rule == .allZero)
    #expect(try record(trouble, stopOn: .severity(.critical)).stopped?.rule == .exploding)
    #expect(try record(trouble, stopOn: .rule(.nonFinite)).stopped?.batch == 22)
    #expect(try record(trouble, stopOn: .rule(.vanishing)).stopped == nil)
  }
}
