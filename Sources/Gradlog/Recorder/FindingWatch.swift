/// Passes findings on to who watches the training: each weight, rule and optimizer when it begins, and
/// again when it becomes worse, so that a weight that is sick in every other batch does not flood anyone.
final class FindingWatch: Sendable {
  private struct State {
    var findings: [LiveFinding] = []
    var stopped: LiveFinding?
  }

  private let state = Monitor(State())
  private let stopOn: GradientRecorder.StopCondition?
  private let onFinding: (@Sendable (LiveFinding) -> Void)?
  private let lines: FindingLines?

  init(_ options: GradientRecorder.Options, run: String) {
    stopOn = options.stopOn
    onFinding = options.onFinding
    lines = options.logsFindings ? FindingLines(run: run, rank: options.rank) : nil
  }

  /// Everything found so far, in order.
  var findings: [LiveFinding] { state.withLock { $0.findings } }

  /// The finding that met the stop condition; nil while there is none.
  var stopped: LiveFinding? { state.withLock { $0.stopped } }

  /// Takes note of the findings that begin or become worse in a batch. Called by the judge only.
  func note(_ findings: [LiveFinding]) {
    state.withLock { state in
      state.findings.append(contentsOf: findings)
      guard let stopOn, state.stopped == nil else { return }
      state.stopped = findings.first { stopOn.holds(for: $0) }
    }
    lines?.write(findings)
  }

  /// Calls out what was noted of the batches of a slab, in the same order. Called by the writer only.
  func callOut(_ slab: Slab) {
    guard let onFinding else { return }
    for verdict in slab.verdicts {
      for finding in verdict.begun { onFinding(finding) }
    }
  }

  /// Waits a moment for what is being said.
  func close() {
    lines?.close()
  }
}
