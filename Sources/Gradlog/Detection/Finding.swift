/// What a rule says of a run so far: about one weight, or about the whole network.
package struct Finding: Sendable, Equatable {
  package let rule: Rule
  /// The index of the weight, as ``Detectors/register(_:)`` gave it; nil for the network.
  package let weight: Int?
  /// Number of the optimizer whose batches show it, see ``ObservedBatch/optimizer``.
  package let optimizer: Int
  package internal(set) var severity: Rule.Severity
  /// The batch in which the trouble began, which may be before the rule was sure of it.
  package internal(set) var first: BatchPlace
  /// The last batch that shows it.
  package internal(set) var last: BatchPlace
  /// Batches that show it.
  package internal(set) var batchCount: Int
  /// The worst value, in ``Symptom/unit``.
  package internal(set) var value: Double
  /// What the value was before, or should be, in the same unit; nil when the rule knows none.
  package internal(set) var baseline: Double?
  /// The bound that the value broke, in the same unit.
  package internal(set) var threshold: Double
  /// What was seen.
  package internal(set) var symptom: Symptom
  /// Whether it was over before the recording ended: then it is no more than a warning.
  package internal(set) var isOver = false
}

/// What a detector says of one batch.
struct Hit {
  var rule: Rule
  var severity: Rule.Severity
  var weight: Int?
  /// nil when the trouble begins in this batch.
  var since: BatchPlace?
  var value: Double
  var baseline: Double?
  var threshold: Double
  var symptom: Symptom
  /// Whether a milder severity than before counts, too.
  var isRevised = false
}

/// The findings so far, one for each weight, rule and optimizer: nothing that one optimizer's network does ends or
/// softens what is said of another.
struct FindingLog: Sendable {
  struct Key: Hashable {
    let rule: Rule
    let weight: Int?
    let optimizer: Int

    // Few rules hit one weight, and the names of rules take long: it is looked up in each batch.
    func hash(into hasher: inout Hasher) {
      hasher.combine(weight ?? -1)
      hasher.combine(optimizer)
    }
  }

  private(set) var findings: [Finding] = []
  private var places: [Key: Int] = [:]
  /// The optimizer whose network is being observed.
  var optimizer = 0
  /// Those that began, or became worse, in this batch.
  private var begun: [Int] = []
  /// The worst that was said of each: one that is worse now and then is news once.
  private var told: [Key: Rule.Severity] = [:]
  private var changed: Set<Int> = []
  /// Those that are news when they are seen again.
  private var untold: Set<Int> = []

  /// Takes what a detector says of the batch at `place`.
  mutating func note(_ hit: Hit, at place: BatchPlace) {
    guard let index = index(of: hit.rule, weight: hit.weight) else {
      return begin(hit, at: place)
    }
    changed.insert(index)
    findings[index].update(with: hit, at: place)
    if hit.severity > findings[index].severity {
      findings[index].severity = hit.severity
      begun.append(index)
      return
    }
    if !untold.isEmpty, untold.remove(index) != nil { begun.append(index) }
    if hit.isRevised, hit.rule == .dead || hit.symptom == findings[index].symptom {
      findings[index].severity = hit.severity
    }
  }

  private mutating func begin(_ hit: Hit, at place: BatchPlace) {
    let first = hit.since ?? place
    places[Key(rule: hit.rule, weight: hit.weight, optimizer: optimizer)] = findings.count
    begun.append(findings.count)
    changed.insert(findings.count)
    findings.append(
      Finding(
        rule: hit.rule, weight: hit.weight, optimizer: optimizer, severity: hit.severity,
        first: first, last: place,
        batchCount: max(1, place.ordinal - first.ordinal + 1), value: hit.value,
        baseline: hit.baseline,
        threshold: hit.threshold, symptom: hit.symptom))
  }

  /// Says that a trouble is over. It was no more than a warning, then, and mere information if it never was worse, or if
  /// all it did was to take time.
  mutating func end(_ rule: Rule, weight: Int? = nil, showing symptom: Symptom? = nil) {
    guard let index = index(of: rule, weight: weight), !findings[index].isOver,
      symptom == nil || findings[index].symptom == symptom
    else { return }
    findings[index].isOver = true
    findings[index].severity =
      findings[index].severity == .critical && rule != .stagnation ? .warning : .info
    changed.insert(index)
  }

  /// Makes warnings of the critical findings that a training can live with, since it learns.
  mutating func soften() {
    for index in findings.indices
    where findings[index].severity == .critical && findings[index].symptom.isBearable
      && findings[index].optimizer == optimizer
    {
      findings[index].severity = .warning
      changed.insert(index)
    }
  }

  /// Whether the network that is being observed has a critical finding like that.
  func hasCritical(where isMeant: (Finding) -> Bool) -> Bool {
    findings.contains { $0.severity == .critical && $0.optimizer == optimizer && isMeant($0) }
  }

  /// Makes a finding more or less severe.
  mutating func revise(
    _ rule: Rule, weight: Int?, to severity: Rule.Severity, showing symptom: Symptom
  ) {
    guard let index = index(of: rule, weight: weight),
      findings[index].severity != severity, findings[index].symptom == symptom
    else { return }
    if severity > findings[index].severity { begun.append(index) }
    findings[index].severity = severity
    changed.insert(index)
  }

  /// Makes warnings of a rule critical when the first critical finding of another rule began at most so many batches later.
  mutating func escalate(_ rule: Rule, ifFollowedBy other: Rule, within batches: Int) {
    var began: Int?
    for index in findings.indices
    where findings[index].rule == other && findings[index].severity == .critical
      && findings[index].optimizer == optimizer
    {
      began = min(began ?? .max, findings[index].first.ordinal)
    }
    guard let began else { return }
    for index in findings.indices
    where findings[index].rule == rule && findings[index].severity == .warning
      && !findings[index].isOver && findings[index].optimizer == optimizer
      && (0...batches).contains(began - findings[index].first.ordinal)
    {
      findings[index].severity = .critical
      begun.append(index)
      changed.insert(index)
    }
  }

  /// Makes news of what was found so far, as soon as it is seen again.
  mutating func tellAgain() {
    told = [:]
    untold = Set(findings.indices)
  }

  /// The findings that began, or became worse than was ever said; to be called after each batch.
  mutating func takeNews() -> [Finding] {
    guard !begun.isEmpty else { return [] }
    defer { begun.removeAll(keepingCapacity: true) }
    return begun.compactMap { index in
      let finding = findings[index]
      let key = Key(finding)
      if let before = told[key], before >= finding.severity { return nil }
      told[key] = finding.severity
      return finding
    }
  }

  /// The findings that changed since the last call.
  mutating func takeChanged() -> [Finding] {
    defer { changed.removeAll(keepingCapacity: true) }
    return changed.sorted().map { findings[$0] }
  }

  /// Where the finding is that the optimizer that is being observed shows; nil when there is none.
  private func index(of rule: Rule, weight: Int?) -> Int? {
    places[Key(rule: rule, weight: weight, optimizer: optimizer)]
  }
}

extension FindingLog.Key {
  init(_ finding: Finding) {
    self.init(rule: finding.rule, weight: finding.weight, optimizer: finding.optimizer)
  }
}

extension Finding {
  fileprivate mutating func update(with hit: Hit, at place: BatchPlace) {
    // Two of its symptoms in one batch are one batch.
    if place != last { batchCount += 1 }
    last = place
    isOver = false
    // Values of different symptoms have different units. An estimate replaces the one before.
    let isSame = hit.symptom == symptom || hit.rule == .nonFinite || hit.rule == .dead
    let isWorse = hit.symptom.worstIsSmallest ? hit.value < value : hit.value > value
    // What the weights were before the first step explains what the steps show of them.
    let explains = hit.symptom == .smallWeights && symptom != .smallWeights
    guard
      hit.rule == .noiseScale || (isSame && isWorse) || explains
        || (hit.severity > severity && hit.symptom != symptom && symptom != .smallWeights)
    else { return }
    value = hit.value
    baseline = hit.baseline
    threshold = hit.threshold
    symptom = hit.symptom
  }
}
