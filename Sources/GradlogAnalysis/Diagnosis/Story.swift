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
    /// The one that began first.
    public let finding: DiagnosedFinding
    /// The others.
    public let others: [DiagnosedFinding]
  }

  /// The findings, those with one rule and one severity put together: the cause's first, then as they began.
  public var lines: [Line] {
    var lines: [Line] = []
    for finding in findings {
      let place = lines.firstIndex {
        $0.finding.rule == finding.rule && $0.finding.severity == finding.severity
      }
      if let place {
        let line = lines[place]
        lines[place] = Line(finding: line.finding, others: line.others + [finding])
      } else {
        lines.append(Line(finding: finding, others: []))
      }
    }
    return lines
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
      for clue in rest {
        if clue.onset >= cause.onset - Causality.simultaneity,
          members.contains(where: { Causality.leads($0.finding.rule, to: clue.finding.rule) })
        {
          members.append(clue)
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
    let suspects = clues.filter { $0.finding.severity == worst }
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
  private var depth: Int { finding.position ?? -1 }

  func isRatherTheCause(than other: Clue) -> Bool {
    (rank, onset, depth, order) < (other.rank, other.onset, other.depth, other.order)
  }

  func began(before other: Clue) -> Bool {
    (onset, rank, depth, order) < (other.onset, other.rank, other.depth, other.order)
  }
}
