public import Gradlog

/// Findings that tell of one trouble: its cause, and what followed from it.
public struct Story: Sendable, Equatable {
  /// The cause first, then what began after it, in order.
  public let findings: [DiagnosedFinding]

  /// What the others follow from.
  public var cause: DiagnosedFinding { findings[0] }

  /// How bad the worst of it is.
  public var severity: Rule.Severity { findings.map(\.severity).max() ?? .info }

  /// Findings that say the same of several weights of one optimizer.
  public struct Line: Sendable, Equatable {
    /// The cause of the story, or the worst of those with this rule that began first.
    public let finding: DiagnosedFinding
    /// The others.
    public let others: [DiagnosedFinding]

    /// When the last of them was seen last.
    var last: DiagnosedFinding.Place {
      others.map(\.last).reduce(finding.last) { $1.step > $0.step ? $1 : $0 }
    }

    /// Whether all were seen last well before the end of the run.
    var isPast: Bool { finding.isPast && others.allSatisfy(\.isPast) }

    /// How many more weights there are.
    public var otherWeights: Int {
      Set(others.compactMap(\.weight)).subtracting([finding.weight].compactMap { $0 }).count
    }
  }

  /// The findings, those with one rule and optimizer put together: the cause's first, then as they began. What is
  /// frozen is no gradient that failed to arrive, and has a line of its own.
  public var lines: [Line] {
    var kinds: [Kind] = []
    for finding in findings where !kinds.contains(Kind(finding)) { kinds.append(Kind(finding)) }
    return kinds.map { kind in
      var same = findings.filter { Kind($0) == kind }
      let worst = same.map(\.severity).max()
      let place = kind == Kind(cause) ? 0 : same.firstIndex { $0.severity == worst } ?? 0
      return Line(finding: same.remove(at: place), others: same)
    }
  }

  private struct Kind: Equatable {
    let rule: Rule
    let optimizer: String
    let isHeld: Bool

    init(_ finding: DiagnosedFinding) {
      (rule, optimizer) = (finding.rule, finding.optimizer)
      isHeld = finding.symptom == .held
    }
  }
}

extension Story {
  /// Groups findings under their causes. The first story is that of the first cause: the earliest of the worst.
  static func stories(of findings: [DiagnosedFinding]) -> [Story] {
    var rest = findings.enumerated().map { Clue(finding: $1, order: $0) }
    var stories: [Story] = []
    while let cause = firstCause(of: rest) {
      var members = [cause]
      rest.removeAll { $0.order == cause.order }
      rest.sort { $0.began(before: $1) }
      var others: [Clue] = []
      var rules: Set<Rule> = [cause.finding.rule]
      for clue in rest {
        if clue.canFollow(cause),
          rules.contains(where: { Causality.leads($0, to: clue.finding.rule) })
        {
          members.append(clue)
          rules.insert(clue.finding.rule)
        } else {
          others.append(clue)
        }
      }
      stories.append(Story(findings: members.map(\.finding)))
      rest = others
    }
    return stories
  }

  /// Among the worst, the one that nothing came before; among those that begin with it, the one that leads to the
  /// others.
  private static func firstCause(of clues: [Clue]) -> Clue? {
    guard let worst = clues.map(\.finding.severity).max() else { return nil }
    var suspects = clues.filter { $0.finding.severity == worst }
    // That nothing moves says why only when nothing else does, however early it can be dated.
    for symptom in [Rule.stagnation, .oscillation] {
      let others = suspects.filter { $0.finding.rule != symptom }
      if !others.isEmpty { suspects = others }
    }
    // A training that learned in spite of dead units or small gradients is ended by a NaN all the same.
    if suspects.contains(where: { $0.finding.rule == .nonFinite }) {
      suspects.removeAll { $0.finding.rule == .dead || $0.finding.rule == .vanishing }
    }
    let onset = suspects.map(\.onset).min() ?? 0
    let cause = suspects.filter { $0.onset - onset <= Causality.simultaneity }
      .min { $0.isRatherTheCause(than: $1) }
    return cause.map { $0.firstOfLayer(among: suspects) }
  }
}

/// A finding that is being put into a story.
private struct Clue {
  let finding: DiagnosedFinding
  /// Its place among the findings as the detectors began them.
  let order: Int

  var onset: Int { finding.first.step }
  /// A loss that does not fall is dated from the first batch on, whenever what holds it up began.
  var isUndated: Bool { finding.symptom == .flatLoss }
  /// How the weights were before the first step comes before all that the steps did.
  private var rank: Int {
    finding.symptom == .smallWeights ? -1 : Causality.rank(of: finding.rule)
  }
  /// What is about the whole network does not say where it began: it comes last. A layer that dies takes the gradient
  /// from all before it, so the one nearest to the loss is the one that died, unless some of their units live; from the first batches on, no layer has
  /// ever lived, and the first is named.
  private var depth: Int {
    guard let position = finding.position else { return .max }
    return isDeadLater && finding.value >= 1 ? -position : position
  }
  /// Whether units lived at first.
  private var isDeadLater: Bool { finding.rule == .dead && onset > 2 }
  private var place: Int { finding.weight == nil ? 1 : 0 }

  /// Of the vectors of a layer that died, at most a bias, a scale and a shift, the one nearest to the input: the kernel
  /// stands before it.
  func firstOfLayer(among clues: [Clue], atMost steps: Int = 2) -> Clue {
    guard steps > 0, isDeadLater, let position = finding.position,
      let before = clues.first(where: {
        $0.finding.rule == .dead && $0.finding.position == position - 1
      })
    else { return self }
    return before.firstOfLayer(among: clues, atMost: steps - 1)
  }

  /// Whether it began no earlier, or cannot be told and lasts.
  func canFollow(_ cause: Clue) -> Bool {
    (isUndated ? finding.last.step : onset) >= cause.onset - Causality.simultaneity
  }

  func isRatherTheCause(than other: Clue) -> Bool {
    (rank, place, onset, depth, order)
      < (other.rank, other.place, other.onset, other.depth, other.order)
  }

  func began(before other: Clue) -> Bool {
    (isUndated ? .max : onset, rank, depth, order)
      < (other.isUndated ? .max : other.onset, other.rank, other.depth, other.order)
  }
}
