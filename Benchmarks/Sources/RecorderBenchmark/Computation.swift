/// Stands for the forward and backward pass between two batches: a fixed amount of work, not of time,
/// so that a recorder that takes the processor away from the training is seen to do so.
struct Computation {
  private let iterations: Int

  /// A computation that takes so long on an idle processor.
  init(milliseconds: Double) {
    let trial = 20_000_000
    // The fastest of several: the others were disturbed.
    let fastest = (0..<5).map { _ in
      let start = nanoseconds()
      Self.work(trial)
      return nanoseconds() - start
    }.min()
    iterations = Int(Double(trial) * milliseconds * 1e6 / Double(fastest ?? 1))
  }

  func run() {
    Self.work(iterations)
  }

  /// A chain in which each step waits for the one before, so that no optimizer shortens it.
  @inline(never)
  private static func work(_ iterations: Int) {
    var state: UInt64 = 88_172_645_463_325_252
    for _ in 0..<iterations {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
    }
    sink = state
  }

  nonisolated(unsafe) private static var sink: UInt64 = 0
}
