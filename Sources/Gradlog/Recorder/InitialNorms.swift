/// How large the values were with which the weights of a run began, as the training tells.
final class InitialNorms: Sendable {
  private let norms = Monitor([String: Double]())

  func tell(_ norm: Double, of weight: String) {
    guard let norm = Self.checked(norm) else { return }
    norms.withLock { $0[weight] = norm }
  }

  /// nil when not told.
  func norm(of weight: String) -> Double? { norms.withLock { $0[weight] } }

  /// The norm if it can be one.
  static func checked(_ norm: Double?) -> Double? {
    norm.flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
  }
}
