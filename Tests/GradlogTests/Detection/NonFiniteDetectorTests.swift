import Testing

@testable import Gradlog

@Suite struct NonFiniteDetectorTests {
  private let healthy: [[Double]?] = [[1, 2], [1], [3]]

  @Test func theFirstBatchAndEachWeightAreNamed() {
    var training = MadeUpTraining([[2], [1], [1]])
    training.batch(healthy)
    training.batch([[1, .nan], [.infinity], [3]])
    training.batch(healthy)
    training.batch([[.nan, -.infinity], [1], [3]])
    #expect(training.troubles == ["nonfinite critical 0 1...3 2", "nonfinite critical 1 1...1 1"])
    #expect(training.calls == ["1: nonfinite critical", "1: nonfinite critical"])
    #expect(training.begun[1].map(\.weight) == [0, 1])
    // The worst batch is told.
    let finding = training.finding(.nonFinite, 0)
    #expect(finding?.value == 2)
    #expect(finding?.symptom == .nonFinite(nan: 1, posinf: 0, neginf: 1))
    #expect(
      finding?.evidence(of: "a") == "the gradient of 'a' has 1 NaN and 1 -Inf elements")
    #expect(
      training.finding(.nonFinite, 1)?.evidence(of: "b")
        == "the gradient of 'b' has 1 +Inf element")
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func aLossIsEnough(loss: Double) {
    var training = MadeUpTraining([[2], [1], [1]])
    training.batch(healthy, loss: 1)
    training.batch(healthy, loss: loss)
    #expect(training.troubles == ["nonfinite critical - 1...1 1"])
    #expect(training.detectors.findings.first?.symptom == .nonFiniteLoss)
  }

  @Test func anOverflowNowAndThenIsHowTheLossScaleIsFound() {
    var training = MadeUpTraining([[2], [1], [1]])
    for step in 0..<300 {
      let overflows = step % 40 < 2
      training.batch(
        overflows ? [[.infinity, .nan], [.infinity], [.nan]] : healthy, loss: 1, lossScale: 65536)
    }
    #expect(training.troubles.filter { $0.hasPrefix("nonfinite") } == [])
    #expect(training.finding(.nonFinite, 0)?.severity == .info)
    #expect(training.finding(.nonFinite, 0)?.batchCount == 16)
  }

  @Test func overflowsThatGoOnAreTroubleAllTheSame() {
    var training = MadeUpTraining([[2], [1], [1]])
    training.batch(healthy, loss: 1, lossScale: 65536)
    for _ in 0..<30 {
      training.batch([[1, 1], [.nan], [3]], loss: 1, lossScale: 1)
    }
    #expect(training.troubles == ["nonfinite critical 1 1...30 30"])
    // Once as information, once when it is none any more.
    #expect(training.begun.map(\.count).reduce(0, +) == 2)
    #expect(training.calls == ["20: nonfinite critical"])
  }

  @Test func zerosAndExtremesAreNumbers() {
    var training = MadeUpTraining([[2], [1], [1]])
    for _ in 0..<5 {
      training.batch([[0, -0.0], [.leastNonzeroMagnitude], [-1e150]], loss: 1)
      training.batch([nil, [-.leastNonzeroMagnitude], [1e150]], loss: 0)
    }
    #expect(training.detectors.findings.allSatisfy { $0.rule != .nonFinite })
  }
}
