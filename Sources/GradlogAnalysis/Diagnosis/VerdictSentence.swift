internal import Gradlog

extension Diagnosis {
  /// What is wrong, in a sentence, and in others what follows from it and what is wrong besides.
  public var sentence: String {
    guard let story = stories.first, verdict != .healthy else { return healthySentence }
    var sentences = [Self.trouble(story)]
    let consequences = Self.consequences(of: story)
    if !consequences.isEmpty {
      let shown = consequences.prefix(Self.mostConsequences).map { line in
        line.consequence + line.elsewhere(than: story.cause)
      }
      let more = consequences.count - shown.count
      sentences.append(
        "what follows: "
          + DisplayText.list(shown + (more > 0 ? [DisplayText.counted(more, "more trouble")] : [])))
    }
    let others = stories.dropFirst().filter { $0.severity == .critical }
    sentences += others.prefix(Self.mostOthers).map { "besides, " + Self.trouble($0) }
    let more = others.count - Self.mostOthers
    if more > 0 { sentences.append("there \(more == 1 ? "is" : "are") \(more) more") }
    return sentences.map { $0.prefix(1).uppercased() + $0.dropFirst() + "." }
      .joined(separator: " ")
  }

  /// No more than can be listened to.
  private static let mostConsequences = 4
  private static let mostOthers = 2

  private var healthySentence: String {
    switch (batches, weights) {
    case (0, _): "Nothing was recorded, so nothing can be said."
    case (..<Self.fewBatches, _):
      "Nothing is wrong so far, but \(DisplayText.counted(batches, "batch", "batches")) "
        + "\(batches == 1 ? "is" : "are") too few for most rules."
    default:
      "No rule is broken in \(DisplayText.counted(batches, "batch", "batches")) of "
        + "\(DisplayText.counted(weights, "weight"))."
    }
  }

  /// What most rules wait for.
  private static let fewBatches = 20

  private static func trouble(_ story: Story) -> String {
    guard let line = story.lines.first else { return "" }
    let place = line.finding.namedOptimizer.map { "with \($0), " } ?? ""
    return place + line.trouble + line.span
  }

  /// What follows from the first cause, each a line.
  private static func consequences(of story: Story) -> [Story.Line] {
    let lines = story.lines.filter { $0.finding.severity > .info }
    // A loss that rises does not fall.
    let rises = lines.contains { $0.finding.symptom == .lossGrowth && !$0.isPast }
    return lines.dropFirst().filter { !(rises && $0.finding.symptom == .flatLoss) }
  }
}

extension Story.Line {
  /// Names the optimizer, if that is not the cause's, for the end of a consequence.
  fileprivate func elsewhere(than cause: DiagnosedFinding) -> String {
    guard let optimizer = finding.namedOptimizer, finding.optimizer != cause.optimizer else {
      return ""
    }
    return " (\(optimizer))"
  }

  /// When it was seen, for the end of a sentence.
  fileprivate var span: String {
    let first = finding.first
    let place = "epoch \(first.epoch), batch \(first.batch)"
    if finding.symptom.isEvent || first == last {
      return first.step == 0 ? " in the first batch" : " in \(place)"
    }
    let start = first.step == 0 ? " from the first batch" : " from \(place)"
    return start + (isPast ? " until epoch \(last.epoch), batch \(last.batch)" : " on")
  }
}

extension Symptom {
  /// Whether it happens, rather than lasts.
  fileprivate var isEvent: Bool {
    switch self {
    case .spike, .growthIntoNonFinite: true
    default: false
    }
  }
}
