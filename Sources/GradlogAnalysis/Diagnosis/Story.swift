public import Gradlog

/// Findings that tell of one trouble: its cause, and what followed from it.
public struct Story: Sendable, Equatable {
  /// The cause first, then what began after it, in order.
  public let findings: [DiagnosedFinding]

  /// What the others follow from.
  public var cause: DiagnosedFinding { findings[0] }

  /// How bad the worst of it is.
  public var severity: Rule.Severity { findings.map(\.severity).max() ?? .info }

  /// Findings that say the same of several weights.
  public struct Line: Sendable, Equatable {
    /// The cause of the story, or the worst of those with this rule that began first.
    public let finding: DiagnosedFinding
    /// The others.
    public let others: [DiagnosedFinding]
  }

  /// The findings, those with one rule put together: the cause's first, then as they began.
  public var lines: [Line] {
    var rules: [Rule] = []
    for finding in findings where !rules.contains(finding.rule) { rules.append(finding.rule) }
    return rules.map { rule in
      var same = findings.filter { $0.rule == rule }
      let worst = same.map(\.severity).max()
      let place = rule == cause.rule ? 0 : same.firstIndex { $0.severity == worst } ?? 0
      return Line(finding: same.remove(at: place), others: same)
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
        if clue.onset >= cause.onset - Causality.simultaneity,
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
    let onset = suspects.map(\.onset).min() ?? 0
    return suspects.filter { $0.onset - onset <= Causality.simultaneity }
      .min { $0.isRatherTheCause(than: $1) }
  }
}

/// A finding that is being put into a story.
private struct Clue {
  let finding: DiagnosedFinding
  /// Its place among the findings as the detectors began them.
  let order: Int

  var onset: Int { finding.first.step }
  private var rank: Int { Causality.rank(of: finding.rule) }
  /// What is about the whole network does not say where it began: it comes last. A layer that dies takes the gradient
  /// from all before it, so the one nearest to the loss is the one that died; from the first batches on, no layer has
  /// ever lived, and the first is named.
  private var depth: Int {
    guard let position = finding.position else { return .max }
    return finding.rule == .dead && onset > 2 ? -position : position
  }
  private var place: Int { finding.weight == nil ? 1 : 0 }

  func isRatherTheCause(than other: Clue) -> Bool {
    (rank, place, onset, depth, order)
      < (other.rank, other.place, other.onset, other.depth, other.order)
  }

  func began(before other: Clue) -> Bool {
    (onset, rank, depth, order) < (other.onset, other.rank, other.depth, other.order)
  }
}
