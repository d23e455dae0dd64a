internal import Foundation
internal import Gradlog

/// Whether a run is still being recorded.
public enum RunState: String, Sendable, CaseIterable {
  /// A recorder is at work.
  case recording
  /// The recorder was closed.
  case finished
  /// The recorder is gone and did not close the run: it was killed or crashed. What it had committed
  /// is there.
  case interrupted
}

/// What a run says about its recorder.
struct RecorderTrace {
  /// Unix time of the close; nil while there was none.
  let finishedAt: Double?
  /// Name of the machine.
  let host: String?
  /// Process id on that machine.
  let process: Int?
  /// When that process started: field 22 of `/proc/PID/stat`, which tells it from a later process
  /// with the same id.
  let processStarted: Int?
  /// Unix time of the last batch, or of the start of the run.
  let lastSign: Double

  /// A recorder on another machine cannot be asked; it counts as alive for this long after its last
  /// batch, in seconds.
  static let patience = 300.0

  /// The state of the run at the Unix time `now`, seen from the machine called `thisHost`.
  ///
  /// `started` tells when a process of this machine started, and nil when there is no such process.
  func state(
    now: Double = Date().timeIntervalSince1970, thisHost: String = RecorderProcess.hostName,
    started: (Int) -> Int? = RecorderProcess.startTime
  ) -> RunState {
    if finishedAt != nil { return .finished }
    guard let process, host == thisHost else {
      return now - lastSign < Self.patience ? .recording : .interrupted
    }
    guard let actual = started(process) else { return .interrupted }
    return processStarted == nil || processStarted == actual ? .recording : .interrupted
  }
}
