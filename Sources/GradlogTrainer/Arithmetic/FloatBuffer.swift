/// Memory for Float32 values that never moves and starts as zeros.
///
/// Weights, gradients and workspaces live in such buffers for as long as their model, so that a batch
/// allocates nothing and an event can hand out pointers instead of copies. Behind the last value the
/// memory goes on to the next multiple of eight, so that loops over eight values at a time need no
/// remainder; what they leave there is never read as a value.
final class FloatBuffer {
  /// Every value.
  let values: UnsafeMutableBufferPointer<Float>

  /// The number of values.
  var count: Int { values.count }

  /// The first value.
  let start: UnsafeMutablePointer<Float>

  /// Allocates `count` zeros.
  init(count: Int) {
    // Eight at least, so that there is a base address even for an empty buffer.
    let capacity = max(count + 7, 8) / 8 * 8
    start = .allocate(capacity: capacity)
    start.initialize(repeating: 0, count: capacity)
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

/// Eight values at a time: two registers of SSE, one of AVX.
typealias Lanes = SIMD8<Float>

extension UnsafePointer<Float> {
  /// The eight values from `index` on.
  @inline(__always)
  subscript(lanes index: Int) -> Lanes {
    UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self)
  }
}

extension UnsafeMutablePointer<Float> {
  /// The eight values from `index` on.
  @inline(__always)
  subscript(lanes index: Int) -> Lanes {
    get { UnsafeRawPointer(self + index).loadUnaligned(as: Lanes.self) }
    nonmutating set {
      UnsafeMutableRawPointer(self + index).storeBytes(of: newValue, as: Lanes.self)
    }
  }
}
