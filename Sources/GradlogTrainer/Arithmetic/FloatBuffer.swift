/// Memory for Float32 values that never moves and starts as zeros.
///
/// Weights, gradients and workspaces live in such buffers for as long as their model, so that a batch
/// allocates nothing and an event can hand out pointers instead of copies.
final class FloatBuffer {
  /// Every value.
  let values: UnsafeMutableBufferPointer<Float>

  /// The number of values.
  var count: Int { values.count }

  /// The first value. Dereferencing it is undefined when `count` is 0.
  let start: UnsafeMutablePointer<Float>

  /// Allocates `count` zeros.
  init(count: Int) {
    // One element at least, so that there is a base address even for an empty buffer.
    start = .allocate(capacity: max(count, 1))
    start.initialize(repeating: 0, count: max(count, 1))
    values = UnsafeMutableBufferPointer(start: start, count: count)
  }

  deinit {
    start.deallocate()
  }

  /// Copies as many values as both sides have.
  func assign(_ source: some Sequence<Float>) {
    for (index, value) in zip(values.indices, source) {
      values[index] = value
    }
  }
}
