/// What went wrong, in words a person can act on.
///
/// Every failure of gradlog is one of these. ``problem`` says what happened and names the offending
/// value; ``remedy`` says what to do next. Printed, the two make one sentence.
public struct GradlogError: Error, Sendable, Equatable {
  /// The kind of failure, for code that wants to tell failures apart.
  public enum Code: Int, Sendable {
    /// An argument, option or model description that cannot be used.
    case invalidArgument = 1
    /// A tensor whose dtype, shape and bytes do not agree.
    case invalidTensor = 2
    /// A run, weight, batch, query, column or file that does not exist.
    case notFound = 3
    /// A file that gradlog did not write, or that is damaged.
    case notAGradlogFile = 4
    /// A file written by a newer gradlog.
    case newerFile = 5
    /// A batch that the run already holds.
    case overlap = 6
    /// The disk, the file system or SQLite refused.
    case storage = 7
    /// Data of the user that cannot be read: a CSV cell, a JSON value, an SQL statement.
    case invalidData = 8
    /// A recorder used after `close()`, or in a process forked from the one that opened it.
    case misuse = 9
  }

  /// The kind of failure.
  public let code: Code

  /// What happened, with the offending value; no full stop.
  public let problem: String

  /// What to do next; no full stop.
  ///
  /// Empty when nothing can be advised.
  public let remedy: String

  /// Describes a failure.
  public init(_ code: Code, _ problem: String, remedy: String) {
    self.code = code
    self.problem = problem
    self.remedy = remedy
  }
}

extension GradlogError: CustomStringConvertible {
  /// The problem and its remedy as one sentence.
  public var description: String {
    remedy.isEmpty ? problem : "\(problem); \(remedy)"
  }
}
