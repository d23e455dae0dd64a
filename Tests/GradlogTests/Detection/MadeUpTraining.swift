@testable import Gradlog

/// A training whose gradients a test makes up: vectors, whose statistics are computed here in Double by their
/// definitions, and handed to the detectors.
struct MadeUpTraining {
  private(set) var detectors: Detectors
  /// What was called out, batch by batch.
  private(set) var begun: [[Finding]] = []
  private let shapes: [[Int]]
  /// By optimizer and weight.
  private var previous: [Int: [Int: [Double]]] = [:]

  /// Weights from the input on, by their shapes, and by the norms of their first values where these are told.
  init(
    _ shapes: [[Int]], initialNorms: [Double?] = [], thresholds: Thresholds = Thresholds()
  ) {
    self.shapes = shapes
    detectors = Detectors(thresholds: thresholds)
    for (position, shape) in shapes.enumerated() {
      _ = detectors.register(
        ObservedWeight(
          position: position, shape: shape, dtype: .float32,
          initialNorm: position < initialNorms.count ? initialNorms[position] : nil))
    }
  }

  /// Batches so far.
  var step: Int { begun.count }

  /// Takes the gradients of a batch, nil for one that is absent.
  mutating func batch(
    _ gradients: [[Double]?], loss: Double? = nil, lossScale: Double? = nil, optimizer: Int = 0
  ) {
    let observed = gradients.enumerated().map { weight, gradient in
      gradient.map { observation(of: $0, weight, optimizer) } ?? ObservedGradient(absent: weight)
    }
    batch(observed, loss: loss, lossScale: lossScale, optimizer: optimizer)
  }

  /// Takes statistics as they are.
  mutating func batch(
    _ gradients: [ObservedGradient], loss: Double? = nil, lossScale: Double? = nil,
    optimizer: Int = 0
  ) {
    let place = BatchPlace(batchID: Int64(step) + 1, epoch: 0, batch: step, step: step)
    detectors.observe(
      ObservedBatch(place: place, optimizer: optimizer, loss: loss, lossScale: lossScale), gradients
    )
    begun.append(detectors.begun)
  }

  private mutating func observation(
    of gradient: [Double], _ weight: Int, _ optimizer: Int
  ) -> ObservedGradient {
    let shape = shapes[weight]
    let finite = gradient.filter(\.isFinite)
    let alive = finite.filter { $0 != 0 }
    var observed = ObservedGradient(weight: weight)
    if !finite.isEmpty { observed.norm = length(finite) }
    if !alive.isEmpty {
      observed.meanAbsNonZero = alive.reduce(0) { $0 + abs($1) } / Double(alive.count)
    }
    observed.zeroCount = finite.count - alive.count
    observed.nanCount = gradient.count(where: \.isNaN)
    observed.posinfCount = gradient.count { $0 == .infinity }
    observed.neginfCount = gradient.count { $0 == -.infinity }
    if let rows = shape.first, let columns = shape.last, !gradient.isEmpty {
      let across = gradient.count / columns
      let along = gradient.count / rows
      observed.zeroRows = (0..<rows).count { row in
        (0..<along).allSatisfy { gradient[row * along + $0] == 0 }
      }
      observed.zeroColumns = (0..<columns).count { column in
        (0..<across).allSatisfy { gradient[$0 * columns + column] == 0 }
      }
    }
    if let before = previous[optimizer]?[weight] { observed.cosine = cosine(before, gradient) }
    previous[optimizer, default: [:]][weight] = gradient
    return observed
  }

  /// What is worse than an information: rule, severity, weight ("-" for the network), the steps from which and up
  /// to which it was seen, and how many batches showed it.
  var troubles: [String] {
    detectors.findings.filter { $0.severity > .info }.map(Self.summary)
  }

  /// The same of everything that was called out, with the step in which it was.
  var calls: [String] {
    begun.enumerated().flatMap { step, findings in
      findings.filter { $0.severity > .info }.map {
        "\(step): \($0.rule.rawValue) \($0.severity.rawValue)"
      }
    }
  }

  func finding(_ rule: Rule, _ weight: Int? = nil) -> Finding? {
    detectors.findings.first { $0.rule == rule && $0.weight == weight }
  }

  private static func summary(_ finding: Finding) -> String {
    let weight = finding.weight.map(String.init) ?? "-"
    let steps = "\(finding.first.step)...\(finding.last.step)"
    return
      "\(finding.rule.rawValue) \(finding.severity.rawValue) \(weight) \(steps) \(finding.batchCount)"
  }
}

func length(_ vector: [Double]) -> Double {
  vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

/// NaN where it is not defined.
func cosine(_ one: [Double], _ other: [Double]) -> Double {
  let product = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
  return product / (length(one) * length(other))
}

extension SplitMix64 {
  /// Normal numbers around a mean.
  mutating func normals(_ count: Int, mean: Double = 0, deviation: Double = 1) -> [Double] {
    (0..<count).map { _ in mean + deviation * normal() }
  }
}
