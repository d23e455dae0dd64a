/// What a recorder could not keep, and why.
public struct RecordingLosses: Sendable, Equatable {
  /// Batches of which nothing is in the file.
  public internal(set) var batches = 0
  /// Gradients whose statistics are in the file and whose values were to be captured but could not.
  public internal(set) var values = 0
  /// The first failure; nil when there was none.
  public internal(set) var failure: GradlogError?

  /// The failure, with how much was lost; nil when nothing failed.
  var summary: GradlogError? {
    guard let failure else { return nil }
    var lost: [String] = []
    if batches > 0 { lost.append("\(batches) \(batches == 1 ? "batch" : "batches")") }
    if values > 0 {
      lost.append("the values of \(values) \(values == 1 ? "gradient" : "gradients")")
    }
    guard !lost.isEmpty else { return failure }
    return GradlogError(
      failure.code, "not in the file: \(lost.joined(separator: " and ")); \(failure.problem)",
      remedy: failure.remedy)
  }

  /// Whether nothing was lost and nothing failed.
  public var isNone: Bool { self == RecordingLosses() }
}

/// The losses of one recorder, counted from any thread.
final class LossCounter: Sendable {
  private let losses = Monitor(RecordingLosses())

  /// The losses so far.
  var current: RecordingLosses { losses.withLock { $0 } }

  /// Adds lost batches and values. The first failure is kept and said once on stderr: a recorder that
  /// fails silently is worse than none.
  func add(batches: Int = 0, values: Int = 0, failure: GradlogError) {
    let isFirst = losses.withLock { losses in
      losses.batches += batches
      losses.values += values
      defer { losses.failure = losses.failure ?? failure }
      return losses.failure == nil
    }
    if isFirst {
      complain("\(failure); training goes on, and what is not recorded is counted")
    }
  }
}
