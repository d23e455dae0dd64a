import Testing

@testable import Gradlog

/// Whatever a training or a file hands over, nothing traps, and what is found can be said.
@Suite struct HostileObservationTests {
  private static let numbers: [Double] = [
    .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1e-45,
    0x1p-24, 1e-8, 0.5, 1, -1, 2.3, 100,
    1e11, 1e160, 1e300, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
  ]
  private static let shapes: [[Int]] = [
    [], [0], [1], [5], [0, 4], [4, 0], [1, 1], [3, 4], [10, 2, 2], [.max], [.max, 1], [1, .max],
    [.max, .max], [-1, 4], [.min],
  ]

  private func gradient(
    of weight: Int, _ numbers: [Double], _ random: inout SplitMix64
  ) -> ObservedGradient {
    if Int.random(in: 0..<8, using: &random) == 0 { return ObservedGradient(absent: weight) }
    func count(_ random: inout SplitMix64) -> Int {
      [0, 0, 1, 3, 1 << 48].randomElement(using: &random) ?? 0
    }
    var gradient = ObservedGradient(weight: weight)
    gradient.norm = abs(numbers.randomElement(using: &random) ?? 0)
    gradient.meanAbsNonZero = abs(numbers.randomElement(using: &random) ?? 0)
    gradient.cosine = [.nan, -1, 0, 1, 0.999, 3, -7, .infinity].randomElement(using: &random) ?? 0
    gradient.zeroCount = count(&random)
    gradient.zeroRows = Bool.random(using: &random) ? count(&random) : nil
    gradient.zeroColumns = Bool.random(using: &random) ? count(&random) : nil
    if Int.random(in: 0..<20, using: &random) == 0 {
      gradient.nanCount = count(&random)
      gradient.posinfCount = count(&random)
      gradient.neginfCount = count(&random)
    }
    return gradient
  }

  private func expectSayable(_ findings: [Finding], _ comment: String) {
    for finding in findings {
      #expect(!finding.value.isNaN, "\(comment): \(finding)")
      #expect(finding.baseline?.isNaN != true, "\(comment): \(finding)")
      #expect(!finding.threshold.isNaN, "\(comment): \(finding)")
      #expect(finding.batchCount >= 1)
      #expect(finding.first.step <= finding.last.step)
      #expect(finding.batchCount <= finding.last.step - finding.first.step + 1, "\(finding)")
      let evidence = finding.evidence(of: finding.weight.map { "w\($0)" })
      #expect(!evidence.contains("nan"), "\(evidence)")
      #expect(finding.breaksItsBound, "\(comment): \(finding)")
    }
  }

  @Test(arguments: 0..<60) func nothingTraps(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var training = MadeUpTraining(Self.shapes.shuffled(using: &random))
    // Some kinds of numbers for a while, so that streaks come about.
    var numbers = Self.numbers
    var losses = Self.numbers
    for step in 0..<400 {
      if step % 50 == 0 {
        numbers = (0..<3).map { _ in Self.numbers.randomElement(using: &random) ?? 0 }
        losses = (0..<2).map { _ in Self.numbers.randomElement(using: &random) ?? 0 }
      }
      let count = [0, 1, 4, Self.shapes.count].randomElement(using: &random) ?? 0
      let weights = Array((0..<Self.shapes.count).shuffled(using: &random).prefix(count)).sorted()
      training.batch(
        weights.map { gradient(of: $0, numbers, &random) },
        loss: Bool.random(using: &random) ? losses.randomElement(using: &random) ?? 0 : nil,
        lossScale: [nil, nil, 65536, 0, .nan].randomElement(using: &random) ?? 0,
        optimizer: Int.random(in: 0..<3, using: &random))
    }
    expectSayable(training.detectors.findings, "seed \(seed)")
  }

  /// Whatever stays as it is for a long time.
  @Test(arguments: numbers, numbers) func whatStaysTheSameIsSayable(norm: Double, loss: Double) {
    var training = MadeUpTraining([[3, 4], [4], [4, 4], [4], [4, 2], [2]])
    for cosine in [-1, 0, 1, .nan] {
      for _ in 0..<120 {
        let gradients = (0..<6).map { weight in
          var gradient = ObservedGradient(weight: weight)
          gradient.norm = abs(norm)
          gradient.meanAbsNonZero = abs(norm)
          gradient.zeroCount = norm == 0 ? 12 : 1
          gradient.cosine = cosine
          return gradient
        }
        training.batch(gradients, loss: loss)
      }
    }
    expectSayable(training.detectors.findings, "norm \(norm), loss \(loss)")
  }

  @Test func emptyNetworksHaveNoFindings() {
    var training = MadeUpTraining([])
    for _ in 0..<200 { training.batch([[Double]?]()) }
    #expect(training.detectors.findings == [])
  }

  @Test func placesMayBeAnywhere() {
    var detectors = Detectors()
    _ = detectors.register(ObservedWeight(position: 0, shape: [1, 1], dtype: nil))
    for (id, step) in [0, Int.max, 3, Int.max - 1, 0, 0].enumerated() {
      var gradient = ObservedGradient(weight: 0)
      gradient.norm = 1
      gradient.nanCount = 1
      detectors.observe(
        ObservedBatch(
          place: BatchPlace(batchID: Int64(id), epoch: .max, batch: .max, step: step), loss: .nan),
        [gradient])
    }
    #expect(detectors.findings.map(\.batchCount) == [6])
  }

  @Test func optimizersHaveHistoriesOfTheirOwn() {
    var training = MadeUpTraining([[2, 2], [2, 2]])
    var random = SplitMix64(seed: 91)
    // One network's gradients are a thousand times the other's.
    for step in 0..<200 {
      let size = step % 2 == 0 ? 1e-3 : 1
      var observed = ObservedGradient(weight: step % 2)
      observed.norm = size * (1 + 0.1 * random.normal())
      training.batch([observed], optimizer: step % 2)
    }
    #expect(training.troubles == [])
  }
}

extension Finding {
  /// Whether the value is on the wrong side of the threshold, which it can be in one unit only.
  fileprivate var breaksItsBound: Bool {
    if rule == .noiseScale { return true }
    // Roundings of logarithms.
    let slack = 1e-9 * max(value.magnitude, threshold.magnitude, baseline?.magnitude ?? 0)
    return symptom.worstIsSmallest ? value <= threshold + slack : value >= threshold - slack
  }
}
