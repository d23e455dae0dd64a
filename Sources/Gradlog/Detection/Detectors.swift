/// What the rules need of one gradient.
struct InspectedGradient {
  let weightID: Int64
  /// Order of the weight from the input on.
  let position: Int
  /// Whether the tensor has two dimensions or more.
  let isKernel: Bool
  let nonFiniteCount: Int
  let isAllZero: Bool
  let norm: Double?
  let meanAbsNonZero: Double?

  init(_ statistics: GradientStatistics, of weightID: Int64, position: Int, rank: Int) {
    self.weightID = weightID
    self.position = position
    isKernel = rank >= 2
    nonFiniteCount = statistics.nonFiniteCount
    isAllZero = statistics.elementCount > 0 && statistics.zeroCount == statistics.elementCount
    norm = statistics.norm
    meanAbsNonZero = statistics.meanAbsNonZero
  }
}

/// What the rules need of the batch around a gradient.
struct InspectedBatch {
  let batchID: Int64
  let loss: Double?
  /// The kernel nearest to the loss; nil when the batch has none.
  let lastKernel: InspectedGradient?
  /// The largest norm that the last kernel has had in an earlier batch or has now.
  let largestLastNorm: Double
}

/// Applies every ``Rule`` to one batch after another, and keeps the findings that are not yet in the
/// file.
struct Detectors {
  private struct Key: Hashable {
    let weightID: Int64
    let rule: Rule
  }

  /// Batches in a row that broke a rule, the last of them, and what is not yet a finding of it.
  private struct Streak {
    var length: Int
    var lastBatch: Int
    var firstBatchID: Int64
    var worst: Double
  }

  /// `allCases` makes an array each time.
  private static let rules = Rule.allCases

  /// The gradients of the batch that is being recorded.
  private var gradients: [InspectedGradient] = []
  private var streaks: [Key: Streak] = [:]
  /// Findings since the last ``takeFindings()``, one for each weight and rule.
  private var findings: [Key: Finding] = [:]
  private var largestLastNorm = 0.0
  /// Batches inspected.
  private var batch = 0
  /// The rules that began to hit in the batch that was inspected last, and the gradients they hit.
  private(set) var begun: [(rule: Rule, gradient: InspectedGradient, value: Double)] = []

  /// Adds a gradient to the batch that is being recorded.
  mutating func add(_ gradient: InspectedGradient) {
    gradients.append(gradient)
  }

  /// Applies the rules to the gradients added since the last call. Returns whether a rule begins to
  /// hit a weight that it did not hit in the batch before.
  mutating func inspectBatch(batchID: Int64, loss: Double?) -> Bool {
    defer { gradients.removeAll(keepingCapacity: true) }
    begun.removeAll(keepingCapacity: true)
    batch += 1
    let lastKernel = gradients.lazy.filter(\.isKernel).max { $0.position < $1.position }
    largestLastNorm = max(largestLastNorm, lastKernel?.norm ?? 0)
    let surroundings = InspectedBatch(
      batchID: batchID, loss: loss, lastKernel: lastKernel, largestLastNorm: largestLastNorm)
    for gradient in gradients {
      for rule in Self.rules {
        guard let value = rule.value(of: gradient, in: surroundings) else { continue }
        if note(value, of: rule, weightID: gradient.weightID, batchID: batchID) {
          begun.append((rule, gradient, value))
        }
      }
    }
    return !begun.isEmpty
  }

  /// Lengthens the streak of a rule. Returns whether it is long enough now and was not before.
  private mutating func note(
    _ value: Double, of rule: Rule, weightID: Int64, batchID: Int64
  ) -> Bool {
    let key = Key(weightID: weightID, rule: rule)
    let fresh = Streak(length: 0, lastBatch: batch - 1, firstBatchID: batchID, worst: value)
    var streak = streaks[key].flatMap { $0.lastBatch == batch - 1 ? $0 : nil } ?? fresh
    streak.length += 1
    streak.lastBatch = batch
    if rule.isWorse(value, than: streak.worst) { streak.worst = value }
    streaks[key] = streak
    guard streak.length >= rule.patience else { return false }
    let begins = streak.length == rule.patience
    var finding =
      findings[key]
      ?? Finding(
        rule: rule, weightID: weightID, firstBatchID: begins ? streak.firstBatchID : batchID,
        lastBatchID: batchID, batchCount: 0, value: value)
    finding.lastBatchID = batchID
    // When the patience is at an end, the batches that it took count too.
    finding.batchCount += begins ? rule.patience : 1
    if rule.isWorse(streak.worst, than: finding.value) { finding.value = streak.worst }
    findings[key] = finding
    return begins
  }

  /// The findings since the last call, to be merged with those in the file.
  mutating func takeFindings() -> [Finding] {
    defer { findings.removeAll(keepingCapacity: true) }
    return Array(findings.values)
  }
}
