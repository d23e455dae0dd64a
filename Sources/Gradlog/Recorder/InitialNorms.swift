internal import Synchronization

/// How large the values are with which weights of a run begin, on the way from the training to the next batch.
final class InitialNorms: Sendable {
  private let told = Monitor([String: Double]())
  /// Few batches have any.
  private let isEmpty = Atomic(true)

  func tell(_ norm: Double, of weight: String) {
    guard let norm = Self.checked(norm) else { return }
    told.withLock { $0[weight] = norm }
    isEmpty.store(false, ordering: .releasing)
  }

  /// What was told since the last call, by the names of the weights.
  func take() -> [String: Double] {
    guard !isEmpty.load(ordering: .acquiring) else { return [:] }
    isEmpty.store(true, ordering: .relaxed)
    return told.withLock { told in
      defer { told = [:] }
      return told
    }
  }

  /// The norm if it can be one.
  static func checked(_ norm: Double?) -> Double? {
    norm.flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
  }
}
