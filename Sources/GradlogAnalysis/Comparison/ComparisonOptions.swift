/// Which batch of one run is held against which of the other.
public enum BatchAlignment: String, Sendable, CaseIterable {
  /// Those of the same epoch, batch, optimizer and call.
  case epoch
  /// Those of the same step, and of several with one step in their order: for runs that number their
  /// epochs differently.
  case step
}

/// What of two runs is compared, and how.
public struct ComparisonOptions: Sendable, Equatable {
  /// Pattern of weight names, in the syntax of SQLite's GLOB; nil for all weights.
  public var weight: String?

  /// How far apart elements may be; nil to ask for the same bits.
  public var tolerance: Tolerance?

  /// Which batches belong together; nil for ``BatchAlignment/epoch`` unless ``BatchAlignment/step``
  /// matches more of them.
  public var alignment: BatchAlignment?

  /// Whether every batch makes a row, not only some after the first difference.
  public var showsAll = false

  /// All weights, bit for bit.
  public init() {}
}
