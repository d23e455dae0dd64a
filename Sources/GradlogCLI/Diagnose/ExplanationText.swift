internal import Gradlog
internal import GradlogAnalysis

/// What `gradlog diagnose --explain` prints of a rule.
struct ExplanationText {
  let text: String

  init(_ explanation: RuleExplanation) {
    var lines = WrappedText.lines("\(explanation.rule.rawValue): \(explanation.summary)")
    for condition in explanation.formula.split(separator: "\n") {
      lines += [""] + WrappedText.lines(String(condition))
    }
    lines += ["", "Thresholds:"]
    for threshold in explanation.thresholds {
      lines += WrappedText.lines(
        "\(Self.setting(threshold)): \(threshold.meaning)", indentation: 2, hanging: 4)
    }
    if explanation.thresholds.isEmpty { lines.append("  none") }
    lines += ["", "Sources:"]
    for source in explanation.sources {
      lines += WrappedText.lines(source, indentation: 2, hanging: 4)
    }
    text = lines.map { $0 + "\n" }.joined()
  }

  /// A threshold as it is set, and what it is without that.
  static func setting(_ threshold: RuleExplanation.Threshold) -> String {
    let changed =
      threshold.value == threshold.calibrated ? "" : " (changed from \(threshold.calibrated.plain))"
    return "\(threshold.name)=\(threshold.value.plain)\(changed)"
  }
}

extension Double {
  /// The shortest digits that read back, without a fraction of zero.
  var plain: String {
    let text = description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
