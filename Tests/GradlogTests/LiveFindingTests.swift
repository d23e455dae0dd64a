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
    _ pairs: [(Float, Float)], lossScale: Double? = nil,
    stopOn: GradientRecorder.StopCondition? = nil
  ) throws -> (heard: [LiveFinding], findings: [LiveFinding], stopped: LiveFinding?) {
    let heard = Monitor([LiveFinding]())
    var options = GradientRecorder.Options()
    options.onFinding = { finding in heard.withLock { $0.append(finding) } }
    options.stopOn = stopOn
    // A run of its own each time.
    let run = "\(pairs.count) batches, stops on \(stopOn, default: "nothing")"
    let recorder = try GradientRecorder(path: path, run: run, options: options)
    for (batch, pair) in pairs.enumerated() {
      recorder.record(BatchContext(epoch: 2, batch: batch, lossScale: lossScale)) {
        $0.add("a", [pair.0], shape: [1])
        $0.add("b", [pair.1], shape: [1])
      }
    }
    try recorder.flush()
    let result = (heard.withLock { $0 }, recorder.findings, recorder.stopped)
    try recorder.close()
    return result
  }

  private func summary(_ finding: LiveFinding) -> String {
    "\(finding.rule) \(finding.severity) \(finding.weight ?? "-") "
      + "\(finding.epoch) \(finding.batch) \(finding.step)"
  }

  @Test func eachWeightAndRuleIsCalledOutOnce() throws {
    let (heard, findings, stopped) = try record(
      [(1, 1), (.nan, 1), (1, 1), (.nan, .infinity), (1e20, 1), (1e25, 1)])
    #expect(heard == findings)
    #expect(stopped == nil)
    #expect(
      heard.map(summary) == [
        "nonFinite critical a 2 1 1", "nonFinite critical b 2 3 3", "exploding warning a 2 4 4",
        "exploding critical - 2 4 4",
      ])
    let norm = Double(Float(1e20))
    #expect(heard[2].value == norm)
    #expect(heard[2].threshold == heard[2].baseline.map { 16 * $0 })
    #expect(abs((heard[2].baseline ?? 0) - 2.0.squareRoot()) < 1e-12)
    #expect(heard[3].value == norm && heard[3].baseline == nil && heard[3].threshold == 1e10)
    #expect(
      heard.first?.description
        == "critical nonfinite since epoch 2, batch 1: the gradient of 'a' has 1 NaN element; "
        + "look for NaN in the data of epoch 2, batch 1, and for logarithms, roots and "
        + "divisions in the loss; else lower the learning rate")
  }

  @Test func whatBecomesWorseIsCalledOutAgain() throws {
    // A jump is a warning, until units are dead after it.
    let heard = try record(
      Array(repeating: (1, 1), count: 40) + [(50, 50)] + Array(repeating: (1, 0), count: 60)
    ).heard
    #expect(
      heard.filter { $0.rule == .exploding }.map(\.severity) == [.warning, .critical], "\(heard)")
    #expect(Set(heard.filter { $0.rule == .exploding }.map(\.batch)) == [40])
    #expect(heard.filter { $0.rule == .dead }.map(summary) == ["dead critical b 2 41 41"])
  }

  @Test func informationIsInTheFileOnly() throws {
    var trouble: [(Float, Float)] = Array(repeating: (1, 1), count: 8)
    trouble[3] = (.infinity, 1)
    let (heard, findings, stopped) = try record(
      trouble, lossScale: 65536, stopOn: .severity(.warning))
    #expect(heard.isEmpty && findings.isEmpty && stopped == nil)
    #expect(
      try rows(path, "SELECT rule, severity, evidence FROM findings") == [
        ["nonfinite", "info", "the gradient of 'a' has 1 +Inf element"]
      ])
  }

  @Test func theConditionThatIsAskedForStops() throws {
    // Gradients that are all the same would be trouble of their own.
    var spike: [(Float, Float)] = (0..<50).map { (1 + 0.1 * Float($0 % 3), 1) }
    spike[40].0 = 50
    let trouble = spike + [(1, .nan)]
    let warned = try #require(try record(trouble, stopOn: .severity(.warning)).stopped)
    #expect(summary(warned) == "exploding warning a 2 40 40")
    let critical = try #require(try record(trouble, stopOn: .severity(.critical)).stopped)
    #expect(summary(critical) == "nonFinite critical b 2 50 50")
    #expect(try record(trouble, stopOn: .rule(.nonFinite)).stopped == critical)
    #expect(try record(trouble, stopOn: .rule(.exploding)).stopped == warned)
    #expect(try record(trouble, stopOn: .rule(.vanishing)).stopped == nil)
    #expect(try record(spike, stopOn: .rule(.nonFinite)).stopped == nil)
  }
}
