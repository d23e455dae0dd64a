internal import Gradlog
internal import GradlogAnalysis

/// What `gradlog diagnose` tells a person.
struct DiagnosisText {
  private(set) var text = ""
  private let isStyled: Bool
  /// Whether there is one run: then there is room for what is not wrong.
  private let isOnlyOne: Bool

  init(
    _ files: [(path: String, diagnoses: [Diagnosis])], _ options: DiagnosisOptions, isStyled: Bool
  ) {
    self.isStyled = isStyled
    isOnlyOne = files.reduce(0) { $0 + $1.diagnoses.count } == 1
    for file in files {
      if file.diagnoses.isEmpty { add("There is no run in '\(file.path)' yet.") }
      for diagnosis in file.diagnoses { add(diagnosis, of: file.path) }
    }
    let diagnoses = files.flatMap(\.diagnoses)
    if diagnoses.count > 1 { add(Self.summary(of: diagnoses)) }
    let changed = options.changedThresholds.map(ExplanationText.setting)
    if !changed.isEmpty { add(WrappedText.lines("With " + changed.joined(separator: ", "))) }
  }

  /// How many runs there are of each verdict.
  static func summary(of diagnoses: [Diagnosis]) -> String {
    let counts = Diagnosis.Verdict.allCases.reversed().compactMap { verdict in
      let count = diagnoses.count { $0.verdict == verdict }
      return count == 0
        ? nil : "\(count) \(verdict == .warning ? "with warnings" : verdict.rawValue)"
    }
    return DisplayText.counted(diagnoses.count, "run") + ": "
      + (counts.isEmpty ? "nothing to say" : counts.joined(separator: ", "))
  }

  private mutating func add(_ lines: String...) { add(lines) }

  private mutating func add(_ lines: [String]) {
    text += lines.map { $0 + "\n" }.joined()
  }

  private mutating func add(_ diagnosis: Diagnosis, of path: String) {
    let rank = diagnosis.rank > 0 ? ", rank \(diagnosis.rank)" : ""
    let title =
      "\(path.printable), run '\(diagnosis.run.printable)'\(rank): \(diagnosis.verdict.rawValue)"
    add(WrappedText.lines(title).map(bold))
    add(WrappedText.lines(diagnosis.sentence))
    let troubles = diagnosis.stories.filter { $0.severity > .info }
    for (number, story) in troubles.enumerated() {
      add("")
      for (place, line) in story.lines.enumerated() {
        add(line, heading: place == 0 ? "\(number + 1). " : "   then ")
      }
      add(WrappedText.lines("To do: \(story.cause.advice.printable).", indentation: 3))
    }
    let notes = diagnosis.stories.filter { $0.severity == .info }.flatMap(\.lines)
    if !notes.isEmpty { add([""] + notes.flatMap { Self.note($0) }) }
    let chart = DepthChart(diagnosis.profile).lines
    if diagnosis.verdict != .healthy || isOnlyOne, !chart.isEmpty { add([""] + chart) }
    add("")
  }

  private mutating func add(_ line: Story.Line, heading: String) {
    let finding = line.finding
    let subject = [Self.subject(of: line), finding.namedOptimizer].compactMap { $0 }
      .map { ", \($0)" }.joined()
    let lines = WrappedText.lines(
      "\(finding.severity.rawValue): \(finding.rule.rawValue)\(subject)",
      indentation: heading.count, hanging: 3)
    add(
      lines.enumerated().map { number, line in
        number == 0 ? heading + bold(String(line.dropFirst(heading.count))) : bold(line)
      })
    add(WrappedText.lines(Self.span(of: finding), indentation: 3))
    add(WrappedText.lines(Self.sentence(finding.evidence), indentation: 3))
    if let numbers = Self.numbers(of: finding) {
      add(WrappedText.lines(numbers, indentation: 3))
    }
  }

  /// What a line is about: a weight, and how many others.
  private static func subject(of line: Story.Line) -> String? {
    let more = line.otherWeights
    guard let weight = line.finding.weight else {
      let network = line.finding.rule == .nonFinite ? "the loss" : "the network"
      return more == 0 ? nil : "\(network) and \(DisplayText.counted(more, "weight"))"
    }
    return "'\(weight.printable)'"
      + (more == 0 ? "" : " and \(DisplayText.counted(more, "more weight"))")
  }

  /// Information, in short.
  private static func note(_ line: Story.Line) -> [String] {
    let more = line.otherWeights
    let others =
      more == 0
      ? "" : ", and so \(more == 1 ? "is" : "are") \(DisplayText.counted(more, "more weight"))"
    let optimizer = line.finding.namedOptimizer.map { " (\($0))" } ?? ""
    return WrappedText.lines(
      "Note\(optimizer): \(line.finding.evidence.printable)\(others); \(line.finding.advice.printable).",
      hanging: 2)
  }

  /// When it was seen.
  private static func span(of finding: DiagnosedFinding) -> String {
    let first = place(finding.first)
    if finding.first == finding.last { return "in \(first)" }
    let batches = DisplayText.counted(finding.batches, "batch", "batches")
    return finding.isPast
      ? "from \(first) until \(place(finding.last)), in \(batches)"
      : "since \(first) until the end, in \(batches)"
  }

  private static func place(_ place: DiagnosedFinding.Place) -> String {
    "epoch \(place.epoch), batch \(place.batch) (step \(place.step))"
  }

  private static func numbers(of finding: DiagnosedFinding) -> String? {
    guard !finding.value.isNaN else { return nil }
    let baseline = finding.baseline.map { ", baseline \($0.short)" } ?? ""
    return "\(finding.unit): \(finding.value.short)\(baseline), threshold "
      + finding.threshold.short
  }

  private static func sentence(_ text: String) -> String {
    (text.prefix(1).uppercased() + text.dropFirst()).printable + "."
  }

  private func bold(_ text: String) -> String {
    isStyled ? "\u{1B}[1m\(text)\u{1B}[0m" : text
  }
}

extension String {
  /// With every control character spelled out.
  var printable: String { DisplayText.printable(self) }
}
