internal import Glibc

/// Whose values a recorder keeps, and when. Statistics are kept always, of every weight.
///
///     CapturePlan(.every(10), include: ["dense_*"], exclude: ["*/bias"], fileBudget: 2 << 30)
public struct CapturePlan: Sendable, Equatable {
  /// The batches whose values are kept.
  public enum Schedule: Sendable, Equatable {
    /// All.
    case everyBatch
    /// Those whose step is a multiple of this number, at least 1.
    case every(Int)
    /// Those of these epochs, zero-based.
    case epochs(ClosedRange<Int>)
    /// Those around the batch in which a ``Rule`` begins to hit a weight or the network: so many before it, which
    /// wait in memory until then, that batch, and so many after it.
    case aroundFindings(before: Int, after: Int)
    /// None: statistics only.
    case none
  }

  /// The batches whose values are kept.
  public let schedule: Schedule
  /// Glob patterns (`*`, `?`, `[a-z]`) of the weights whose values are kept; all when empty.
  public let include: [String]
  /// Glob patterns of weights whose values are not kept, whatever ``include`` says.
  public let exclude: [String]
  /// How values are written; exactly by default.
  public let encoding: ValueEncoding
  /// The size of the file, in bytes, from which on no values are kept, only statistics; nil for no
  /// limit. The run says from which batch on that was so.
  public let fileBudget: Int?

  /// The values of every weight in every batch.
  public static let everything = CapturePlan()

  private init() {
    (schedule, include, exclude, encoding, fileBudget) = (.everyBatch, [], [], .dense, nil)
  }

  /// A plan.
  ///
  /// - Throws: ``GradlogError`` with code `invalidArgument` for an interval below 1, a negative
  ///   epoch, number of batches or budget, or a pattern that is empty or has an unclosed `[`.
  public init(
    _ schedule: Schedule, include: [String] = [], exclude: [String] = [],
    encoding: ValueEncoding = .dense, fileBudget: Int? = nil
  ) throws(GradlogError) {
    switch schedule {
    case .every(let interval) where interval < 1:
      throw GradlogError(
        .invalidArgument, "values cannot be captured every \(interval) steps",
        remedy: "pass an interval of 1 or more, or .none")
    case .epochs(let epochs) where epochs.lowerBound < 0:
      throw GradlogError(
        .invalidArgument, "there is no epoch \(epochs.lowerBound)",
        remedy: "epochs count from 0")
    case .aroundFindings(let before, let after) where before < 0 || after < 0:
      throw GradlogError(
        .invalidArgument,
        "values cannot be captured \(before) batches before and \(after) after a finding",
        remedy: "pass numbers of batches, 0 or more")
    default: break
    }
    if let fileBudget, fileBudget < 0 {
      throw GradlogError(
        .invalidArgument, "a file cannot have \(fileBudget) bytes",
        remedy: "pass the bytes that the file may grow to, or leave the budget out")
    }
    for pattern in include + exclude { try Self.validate(pattern) }
    self.schedule = schedule
    self.include = include
    self.exclude = exclude
    self.encoding = encoding
    self.fileBudget = fileBudget
  }

  /// Whether this weight's values are kept in the batches that the schedule chooses.
  func includes(weight: String) -> Bool {
    (include.isEmpty || include.contains { Self.match($0, weight) })
      && !exclude.contains { Self.match($0, weight) }
  }

  /// Whether the schedule chooses this batch, whatever is found in it.
  func includes(epoch: Int, step: Int) -> Bool {
    switch schedule {
    case .everyBatch: true
    case .every(let interval): step % interval == 0
    case .epochs(let epochs): epochs.contains(epoch)
    case .aroundFindings, .none: false
    }
  }

  /// Whether values of this batch may be kept, as far as can be told before it is written.
  func mayKeepValues(of context: BatchContext) -> Bool {
    switch schedule {
    case .aroundFindings: true
    case .every where context.step == nil: true
    default: includes(epoch: context.epoch, step: context.step ?? 0)
    }
  }

  /// fnmatch(3) with these flags matches as SQLite's GLOB does: `*` also matches `/`.
  private static func match(_ pattern: String, _ name: String) -> Bool {
    fnmatch(pattern, name, FNM_NOESCAPE) == 0
  }

  private static func validate(_ pattern: String) throws(GradlogError) {
    // A `]` directly after `[` or `[^` is an ordinary character of the set.
    var rest = Substring(pattern)
    while let open = rest.firstIndex(of: "[") {
      var set = rest[rest.index(after: open)...]
      if set.first == "^" || set.first == "!" { set.removeFirst() }
      if set.first == "]" { set.removeFirst() }
      guard let close = set.firstIndex(of: "]") else {
        throw GradlogError(
          .invalidArgument, "the pattern \"\(pattern)\" has a [ without a ]",
          remedy: "close the set, or write [[] for the character itself")
      }
      rest = set[set.index(after: close)...]
    }
    if pattern.isEmpty {
      throw GradlogError(
        .invalidArgument, "an empty pattern matches no weight", remedy: "leave it out, or write *")
    }
  }
}
