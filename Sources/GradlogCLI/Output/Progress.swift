internal import Foundation

/// How far a long output is, on stderr: from the second second on, and only on a terminal.
struct Progress {
  private let start = ContinuousClock.now
  private var last = ContinuousClock.now
  private var bytes = 0
  private var isShown = false
  private let isEnabled = Talk.isTerminal && isatty(STDOUT_FILENO) == 0

  /// Counts bytes that were written, and says so from time to time.
  mutating func add(_ count: Int) {
    bytes += count
    guard isEnabled else { return }
    let now = ContinuousClock.now
    guard now - start > .seconds(1), now - last > .milliseconds(200) else { return }
    last = now
    isShown = true
    let seconds = (now - start).components.seconds
    Talk.write("\r\(bytes / 1_000_000) MB written in \(seconds) s ")
  }

  /// Takes the line away.
  mutating func clear() {
    if isShown { Talk.write("\r" + String(repeating: " ", count: 60) + "\r") }
    isShown = false
  }
}
