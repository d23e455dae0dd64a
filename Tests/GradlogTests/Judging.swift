@testable import Gradlog

extension RunState {
  /// One of which the file holds nothing.
  static let new = RunState(runID: 1, lastRecorded: nil, lastBatchID: 0, nextStep: 0, weights: [])
}

extension FindingWatch {
  /// One that tells nobody.
  static let silent = FindingWatch(GradientRecorder.Options(), run: "r")
}

extension Judge {
  /// One of a run for which nobody waits.
  convenience init(_ run: RunState) {
    self.init(run, isUrgent: false, watch: .silent)
  }
}
