internal import Foundation
internal import Glibc

/// The process that records, as other processes can recognize it.
package struct RecorderProcess: Sendable {
  /// The host name.
  package let host: String
  /// The process identifier.
  package let identifier: Int
  /// When the process started, in kernel ticks since boot; nil where `/proc` does not tell. Process
  /// identifiers are used again, this together with one is not.
  package let startedAt: Int?

  /// The process that a file tells of.
  package init(host: String, identifier: Int, startedAt: Int?) {
    self.host = host
    self.identifier = identifier
    self.startedAt = startedAt
  }

  /// This process.
  package static var current: RecorderProcess {
    let identifier = Int(getpid())
    return RecorderProcess(
      host: hostName, identifier: identifier,
      startedAt: startTime(of: identifier))
  }

  /// Whether this process runs on this machine now. One of another host, or of which the start is
  /// not known, does not count as alive.
  package var isAlive: Bool {
    host == Self.hostName && startedAt != nil
      && startedAt == Self.startTime(of: identifier)
  }

  /// What this machine calls itself. Foundation's host name asks the network, which may take seconds.
  package static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// When a process of this machine started; nil when there is none, or `/proc` does not tell.
  package static func startTime(of identifier: Int) -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
      // The command name is in parentheses and may hold spaces; the start time is field 22.
      let nameEnd = status.lastIndex(of: ")")
    else { return nil }
    let fields = status[nameEnd...].split(separator: " ")
    return fields.count > 20 ? Int(fields[20]) : nil
  }
}
