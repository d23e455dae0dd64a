/// What a rule said about one weight of a run so far.
struct Finding: Equatable {
  let rule: Rule
  let weightID: Int64
  let firstBatchID: Int64
  var lastBatchID: Int64
  /// Batches that broke the rule.
  var batchCount: Int
  /// The worst value.
  var value: Double
}

/// Applies every ``Rule`` to one gradient after another and keeps the findings that are not yet in
/// the file.
struct Detectors {
  /// Findings since the last ``takeFindings()``, one for each weight and rule.
  private var findings: [Key: Finding] = [:]
  /// The batch in which each rule last hit each weight, counted as ``beginBatch()`` was called.
  private var lastHits: [Key: Int] = [:]
  private var batch = 0

  private struct Key: Hashable {
    let weightID: Int64
    let rule: Rule
  }

  /// To be called before the gradients of each batch.
  mutating func beginBatch() {
    batch += 1
  }

  /// Applies the rules to the gradient of a weight in a batch. Returns whether a rule hits it that did
  /// not hit it in the batch before.
  mutating func inspect(
    _ statistics: GradientStatistics, weightID: Int64, batchID: Int64
  ) -> Bool {
    var begins = false
    for rule in Rule.allCases {
      guard let value = rule.value(of: statistics) else { continue }
      let key = Key(weightID: weightID, rule: rule)
      begins = begins || lastHits[key] != batch - 1
      lastHits[key] = batch
      let fresh = Finding(
        rule: rule, weightID: weightID, firstBatchID: batchID, lastBatchID: batchID,
        batchCount: 0, value: value)
      var finding = findings[key] ?? fresh
      finding.lastBatchID = batchID
      finding.batchCount += 1
      if rule.isWorse(value, than: finding.value) { finding.value = value }
      findings[key] = finding
    }
    return begins
  }

  /// The findings since the last call, to be merged with those in the file.
  mutating func takeFindings() -> [Finding] {
    defer { findings.removeAll(keepingCapacity: true) }
    return Array(findings.values)
  }
}
