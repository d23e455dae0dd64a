internal import Foundation
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
    return counted(diagnoses.count, "run") + ": "
      + (counts.isEmpty ? "nothing to say" : counts.joined(separator: ", "))
  }

  private mutating func add(_ lines: String...) { add(lines) }

  private mutating func add(_ lines: [String]) {
    text += lines.map { $0 + "\n" }.joined()
  }

  private mutating func add(_ diagnosis: Diagnosis, of path: String) {
    let rank = diagnosis.rank > 0 ? ", rank \(diagnosis.rank)" : ""
    add(
      bold(
        "\(path.printable), run '\(diagnosis.run.printable)'\(rank): \(diagnosis.verdict.rawValue)")
    )
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
    let weights = finding.weight.map { " of \($0.printable)" } ?? ""
    let others = line.others.isEmpty ? "" : " and \(line.others.count) more"
    add(
      heading + bold("\(finding.severity.rawValue): \(finding.rule.rawValue)\(weights)\(others)"),
      "   " + Self.span(of: finding))
    add(WrappedText.lines(Self.sentence(finding.evidence), indentation: 3))
    if let numbers = Self.numbers(of: finding) { add("   " + numbers) }
  }

  /// Information, in short.
  private static func note(_ line: Story.Line) -> [String] {
    let others = line.others.isEmpty ? "" : "; so it is with \(line.others.count) more"
    return WrappedText.lines(
      "Note: \(line.finding.evidence.printable)\(others); \(line.finding.advice.printable).",
      hanging: 2)
  }

  /// When it was seen.
  private static func span(of finding: DiagnosedFinding) -> String {
    let (first, last) = (finding.first, finding.last)
    let since = "since epoch \(first.epoch), batch \(first.batch) (step \(first.step))"
    if first == last { return since.replacing("since", with: "in", maxReplacements: 1) }
    return since + " until epoch \(last.epoch), batch \(last.batch) (step \(last.step)), "
      + "in \(counted(finding.batches, "batch", "batches"))"
  }

  private static func numbers(of finding: DiagnosedFinding) -> String? {
    guard !finding.value.isNaN else { return nil }
    let baseline = finding.baseline.map { ", baseline \($0.short)" } ?? ""
    return "value \(finding.value.short)\(baseline), threshold \(finding.threshold.short)"
  }

  private static func sentence(_ text: String) -> String {
    (text.prefix(1).uppercased() + text.dropFirst()).printable + "."
  }

  private func bold(_ text: String) -> String {
    isStyled ? "\u{1B}[1m\(text)\u{1B}[0m" : text
  }
}

/// A number with its noun.
private func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

extension String {
  /// With every control character spelled out.
  var printable: String { DisplayText.printable(self) }
}

extension Double {
  /// Three significant digits.
  var short: String { String(format: "%.3g", self) }
}
