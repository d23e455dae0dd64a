internal import Foundation

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
  let process: Int64?
  /// When that process started: field 22 of `/proc/PID/stat`, which tells it from a later process
  /// with the same id.
  let processStarted: Int64?
  /// Unix time of the last batch, or of the start of the run.
  let lastSign: Double

  /// A recorder on another machine cannot be asked; it counts as alive for this long after its last
  /// batch, in seconds.
  static let patience = 300.0

  /// The state of the run at the Unix time `now`, seen from the machine called `thisHost`.
  ///
  /// `started` tells when a process of this machine started, and nil when there is no such process.
  func state(
    now: Double = Date().timeIntervalSince1970, thisHost: String = Self.thisHost,
    started: (Int64) -> Int64? = Self.startOfProcess
  ) -> RunState {
    if finishedAt != nil { return .finished }
    guard let process, host == thisHost else {
      return now - lastSign < Self.patience ? .recording : .interrupted
    }
    guard let actual = started(process) else { return .interrupted }
    return processStarted == nil || processStarted == actual ? .recording : .interrupted
  }

  static var thisHost: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Kernel ticks since boot at which the process started; nil when there is none.
  static func startOfProcess(_ process: Int64) -> Int64? {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      // The name of the program is in parentheses and may hold blanks and parentheses itself.
      let afterName = stat.lastIndex(of: ")")
    else { return nil }
    let fields = stat[stat.index(after: afterName)...].split(separator: " ")
    return fields.count > 19 ? Int64(fields[19]) : nil
  }
}
