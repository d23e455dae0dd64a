internal import Gradlog

extension Diagnosis {
  /// What is wrong, in one sentence.
  public var sentence: String {
    guard let story = stories.first, verdict != .healthy else { return healthySentence }
    var sentence = Self.clause(for: story.cause) + Self.place(of: story.cause)
    let consequences = story.lines.dropFirst().filter { $0.finding.severity > .info }
    if !consequences.isEmpty {
      sentence += "; then " + Self.joined(consequences.map(Self.consequence))
    }
    let others = stories.dropFirst().filter { $0.severity == .critical }
    if !others.isEmpty {
      sentence +=
        "; besides, "
        + Self.joined(others.map { Self.clause(for: $0.cause) + Self.place(of: $0.cause) })
    }
    return Self.capitalized(sentence) + "."
  }

  private var healthySentence: String {
    switch (batches, weights) {
    case (0, _): "Nothing was recorded, so nothing can be said."
    case (..<Self.fewBatches, _):
      "Nothing is wrong so far, but \(Self.count(batches, "batch", "batches")) "
        + "\(batches == 1 ? "is" : "are") too few for most rules."
    default:
      "No rule is broken in \(Self.count(batches, "batch", "batches")) of "
        + "\(Self.count(weights, "weight"))."
    }
  }

  /// What most rules wait for.
  private static let fewBatches = 20

  /// The trouble, without its place.
  private static func clause(for cause: DiagnosedFinding) -> String {
    let weight = cause.weight.map { "'\(DisplayText.printable($0))'" }
    switch cause.rule {
    case .nonFinite:
      return weight.map { "the gradient of \($0) has NaN or infinite elements" }
        ?? "the loss is not a finite number"
    case .exploding:
      return cause.severity == .critical
        ? "the gradients explode" + (weight.map { ", led by \($0)," } ?? "")
        : "the gradients jump up for a while" + (weight.map { ", led by \($0)," } ?? "")
    case .vanishing:
      return "the gradients vanish on their way to the input"
        + (weight.map { ", at \($0) already," } ?? "")
    case .dead: return "units of \(weight ?? "the network") are dead: their gradient is zero"
    case .stagnation: return "the training goes nowhere"
    case .oscillation: return "the gradients turn round from batch to batch"
    case .underflow:
      return "the gradients of \(weight ?? "the network") are lost below the range of their type"
    case .absent: return "\(weight ?? "a weight") gets no gradient"
    case .accumulating:
      return "gradients pile up, as they do when nothing zeroes them between steps,"
    case .noiseScale: return "the noise scale is known"
    }
  }

  private static func place(of finding: DiagnosedFinding) -> String {
    finding.first.step == 0
      ? " from the first batch on"
      : " from epoch \(finding.first.epoch), batch \(finding.first.batch) on"
  }

  private static func consequence(_ line: Story.Line) -> String {
    let weights = Set(([line.finding] + line.others).compactMap(\.weight)).count
    let places = weights > 0 ? " in \(count(weights, "weight"))" : ""
    return switch line.finding.rule {
    case .nonFinite: "NaN or infinity\(weights > 0 ? places : " in the loss")"
    case .exploding: "exploding gradients"
    case .vanishing: "vanishing gradients"
    case .dead: "dead units\(places)"
    case .stagnation: "a loss that does not move"
    case .oscillation: "gradients that turn round"
    case .underflow: "underflow\(places)"
    case .absent: "no gradient\(places)"
    case .accumulating: "gradients that pile up"
    case .noiseScale: "noise"
    }
  }

  private static func joined(_ parts: [String]) -> String {
    parts.count < 2
      ? parts.joined()
      : parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
  }

  private static func count(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(DisplayText.grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
  }

  private static func capitalized(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
  }
}
