internal import Foundation

/// What a long task is busy with, on stderr: from the second second on, and only on a terminal.
final class StatusLine {
  /// A file of this size takes about a second to read.
  private static let largeFile = 500_000_000

  private let start = ContinuousClock.now
  private var last: ContinuousClock.Instant?
  private var isShown = false
  private let isEnabled = Talk.isTerminal
  private let isLong: Bool

  /// - Parameter size: bytes that the task reads. With many of them the first step is told at once,
  ///   since it may not return for long.
  init(announcing size: Int = 0) {
    isLong = size > Self.largeFile
  }

  /// Shows a text in place of the one before, unless that was a moment ago.
  func show(_ text: () -> String) {
    guard isEnabled else { return }
    let now = ContinuousClock.now
    guard isLong || now - start > .seconds(1), last.map({ now - $0 > .milliseconds(200) }) ?? true
    else { return }
    last = now
    isShown = true
    let seconds = (now - start).components.seconds
    // Clears the rest of the line that stood there.
    Talk.write("\r\(text()) (\(seconds) s)".padding(toLength: 70, withPad: " ", startingAt: 0))
  }

  /// Takes the line away.
  func clear() {
    if isShown { Talk.write("\r" + String(repeating: " ", count: 70) + "\r") }
    isShown = false
    last = nil
  }
}
