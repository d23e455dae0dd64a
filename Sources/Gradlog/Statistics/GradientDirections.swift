/// Compares the direction of each gradient with that of the one before it of the same weight and optimizer.
///
/// It keeps a ``GradientSample`` of each, and no memory is asked for once a weight has one. All of them together
/// take 64 MiB at most; weights beyond that have no direction.
package final class GradientDirections {
  private var lanes: [Lane] = []
  /// Where the optimizer of the current batch is in ``lanes``.
  private var current = 0
  /// Where the next optimizer goes when there are too many.
  private var oldest = 0
  private let sample = GradientSample()
  private var keptElements = 0

  private static let mostLanes = 8
  private static let mostElements = 16 << 20

  /// Knows no gradient.
  package init() {}

  /// To be called before the gradients of a batch.
  package func begin(optimizer: String) {
    guard lanes.isEmpty || lanes[current].optimizer != optimizer else { return }
    if let known = lanes.firstIndex(where: { $0.optimizer == optimizer }) {
      current = known
    } else if lanes.count < Self.mostLanes {
      current = lanes.count
      lanes.append(Lane(optimizer))
    } else {
      current = oldest
      oldest = (oldest + 1) % lanes.count
      keptElements -= lanes[current].elementCount
      lanes[current] = Lane(optimizer)
    }
  }

  /// Whether a gradient of a weight with the optimizer of this batch is known.
  package func knows(weight: Int) -> Bool { lanes[current][weight].pointee.norm != nil }

  /// The cosine between a gradient and the one before, rounded to float32; nil when one of them is not there or
  /// has no direction. The next one is compared with this gradient. A small number stands for its weight.
  package func cosine(of gradient: TensorView, weight: Int) -> Double? {
    let previous = lanes[current][weight]
    let count = GradientSample.count(of: gradient.elementCount)
    guard previous.pointee.count == count || makeRoom(for: count, in: previous) else { return nil }
    let before = previous.pointee.norm
    previous.pointee.norm = 0
    guard let kept = previous.pointee.elements else { return nil }
    let sums = Self.exchange(kept, sample.take(from: gradient))
    let norm = sums.squares.isFinite ? sums.squares.squareRoot() : 0
    previous.pointee.norm = norm
    guard let before, before > 0, norm > 0 else { return nil }
    return Double(Float(min(1, max(-1, sums.products / (before * norm)))))
  }

  /// Forgets the gradient of a weight: the next one is compared with nothing.
  package func forget(weight: Int) {
    lanes[current][weight].pointee.norm = nil
  }

  /// Forgets every gradient and keeps the memory.
  package func forgetAll() {
    for lane in lanes { lane.forgetAll() }
  }

  /// Makes room for a sample of another length.
  private func makeRoom(
    for count: Int, in previous: UnsafeMutablePointer<PreviousGradient>
  ) -> Bool {
    guard keptElements + count - previous.pointee.count <= Self.mostElements else { return false }
    keptElements += count - previous.pointee.count
    previous.pointee.elements?.deallocate()
    previous.pointee = PreviousGradient(elements: .allocate(capacity: count), count: count)
    previous.pointee.elements?.initialize(repeating: 0, count: count)
    return true
  }

  /// Sums the products of the elements before and now and the squares of those now, in Double, and puts those now
  /// in the place of those before.
  private static func exchange(
    _ before: UnsafeMutablePointer<Float>, _ now: FloatBlock
  ) -> (products: Double, squares: Double) {
    var products = SIMD4<Double>.zero
    var squares = SIMD4<Double>.zero
    let vectorized = now.count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let values = (now.start + index &* 4).loadUnaligned(as: SIMD4<Float>.self)
      let place = UnsafeMutableRawPointer(before + index)
      let wide = SIMD4<Double>(values)
      products += wide * SIMD4<Double>(place.loadUnaligned(as: SIMD4<Float>.self))
      squares += wide * wide
      place.storeBytes(of: values, as: SIMD4<Float>.self)
    }
    var sums = (products: products.sum(), squares: squares.sum())
    for index in vectorized..<now.count {
      let value = Double(now[index])
      sums.products += value * Double(before[index])
      sums.squares += value * value
      before[index] = now[index]
    }
    return sums
  }
}

/// What is known of the gradient before.
private struct PreviousGradient {
  var elements: UnsafeMutablePointer<Float>?
  var count = 0
  /// √Σg² of the sample: 0 when it has no direction, nil when there is no gradient.
  var norm: Double?
}

/// The weights of one optimizer.
private final class Lane {
  let optimizer: String
  private var weights: UnsafeMutablePointer<PreviousGradient> = .allocate(capacity: 0)
  private var count = 0

  init(_ optimizer: String) {
    self.optimizer = optimizer
  }

  deinit {
    for weight in 0..<count { weights[weight].elements?.deallocate() }
    weights.deallocate()
  }

  /// Elements that are kept.
  var elementCount: Int { (0..<count).reduce(0) { $0 + weights[$1].count } }

  /// Where a weight is; valid until another one is asked for.
  subscript(weight: Int) -> UnsafeMutablePointer<PreviousGradient> {
    if weight >= count { grow(to: max(weight + 1, 2 * count)) }
    return weights + weight
  }

  func forgetAll() {
    for weight in 0..<count { weights[weight].norm = nil }
  }

  private func grow(to newCount: Int) {
    let grown = UnsafeMutablePointer<PreviousGradient>.allocate(capacity: newCount)
    grown.initialize(repeating: PreviousGradient(), count: newCount)
    grown.update(from: weights, count: count)
    weights.deallocate()
    (weights, count) = (grown, newCount)
  }
}
