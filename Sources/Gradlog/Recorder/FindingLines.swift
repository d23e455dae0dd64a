internal import Dispatch

/// Says findings on stderr, for ``GradientRecorder/Options/logsFindings``:
///
///     gradlog: run "mlp": critical nonfinite in 'dense/kernel' and 39 more weights since epoch 0, batch 17: the gradient of 'dense/kernel' has 3 NaN elements
///
/// On a thread that nobody waits for: a pipe whose reader sleeps must not hold up the training or the recording.
final class FindingLines: Sendable {
  private let queue = DispatchQueue(label: "gradlog.findings")
  private let run: String

  /// Seconds for which ``close()`` waits.
  private static let patience = 0.5
  /// Characters of a line: a pipe takes 4096 bytes in one piece.
  private static let longest = 1000

  init(run: String, rank: Int) {
    self.run = rank == 0 ? "run \"\(run)\"" : "run \"\(run)\" rank \(rank)"
  }

  /// Says what began, or became worse, in one batch.
  func write(_ findings: [LiveFinding]) {
    let lines = lines(of: findings)
    queue.async { for line in lines { complain(line) } }
  }

  /// Waits a moment for what is being said.
  func close() {
    let isDone = DispatchSemaphore(value: 0)
    queue.async { isDone.signal() }
    _ = isDone.wait(timeout: .now() + Self.patience)
  }

  /// One line for what one rule says with one severity, of as many weights as it may be.
  func lines(of findings: [LiveFinding]) -> [String] {
    var groups: [[LiveFinding]] = []
    for finding in findings {
      let place = groups.firstIndex {
        $0[0].rule == finding.rule && $0[0].severity == finding.severity
      }
      if let place { groups[place].append(finding) } else { groups.append([finding]) }
    }
    return groups.map(line)
  }

  private func line(of group: [LiveFinding]) -> String {
    // What is said of the whole network says most.
    let finding = group.first { $0.weight == nil } ?? group[0]
    let others = group.count - 1
    let subject = finding.weight.map { "'\($0)'" } ?? "the network"
    let more = others == 0 ? "" : " and \(others) more \(others == 1 ? "weight" : "weights")"
    return Self.inOneLine(
      "\(run): \(finding.severity.rawValue) \(finding.rule.rawValue) in \(subject)\(more)\(finding.ofOptimizer) "
        + "since epoch \(finding.epoch), batch \(finding.batch): \(finding.evidence)")
  }

  /// Names may contain anything.
  private static func inOneLine(_ text: String) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(longest) {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        line.append(contentsOf: scalar.escaped(asASCII: true).unicodeScalars)
      default: line.append(scalar)
      }
    }
    if text.unicodeScalars.count > longest { line.append("…") }
    return String(line)
  }
}
