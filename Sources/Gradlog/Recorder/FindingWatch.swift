/// Passes findings on to who watches the training: each weight and rule when it begins, and again when
/// it becomes worse, so that a weight that is sick in every other batch does not flood anyone.
final class FindingWatch: Sendable {
  private struct State {
    var findings: [LiveFinding] = []
    var stopped: LiveFinding?
  }

  private let state = Monitor(State())
  private let stopOn: GradientRecorder.StopCondition?
  private let onFinding: (@Sendable (LiveFinding) -> Void)?

  init(_ options: GradientRecorder.Options) {
    stopOn = options.stopOn
    onFinding = options.onFinding
  }

  /// Everything found so far, in order.
  var findings: [LiveFinding] { state.withLock { $0.findings } }

  /// The finding that met the stop condition; nil while there is none.
  var stopped: LiveFinding? { state.withLock { $0.stopped } }

  /// Takes note of a finding that begins or becomes worse. Called by the writer only.
  func note(_ finding: LiveFinding) {
    state.withLock { state in
      state.findings.append(finding)
      if state.stopped == nil, stopOn?.holds(for: finding) ?? false { state.stopped = finding }
    }
    onFinding?(finding)
  }
}
