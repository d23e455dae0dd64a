/// Compares the direction of each gradient with that of the one before it of the same weight and optimizer.
///
/// It keeps a ``GradientSample`` of each, and no memory is asked for once a weight has one. All of them together
/// take 64 MiB at most; weights beyond that have no direction.
package final class GradientDirections {
  /// What is known of one weight.
  private struct Previous {
    var elements: UnsafeMutablePointer<Float>?
    var count = 0
    /// √Σg² of the sample: 0 when it has no direction, nil when there is no gradient.
    var norm: Double?
  }

  private struct Lane {
    let optimizer: String
    var weights: [Previous] = []
  }

  private var lanes: [Lane] = []
  /// Where the optimizer of the current batch is in ``lanes``.
  private var current = 0
  /// Where the next optimizer goes when there are too many.
  private var oldest = 0
  private var sample = GradientSample()
  private var keptElements = 0

  private static let mostLanes = 8
  private static let mostElements = 16 << 20

  /// Knows no gradient.
  package init() {}

  deinit {
    for lane in lanes { free(lane) }
  }

  /// To be called before the gradients of a batch.
  package func begin(optimizer: String) {
    guard lanes.isEmpty || lanes[current].optimizer != optimizer else { return }
    if let known = lanes.firstIndex(where: { $0.optimizer == optimizer }) {
      current = known
    } else if lanes.count < Self.mostLanes {
      current = lanes.count
      lanes.append(Lane(optimizer: optimizer))
    } else {
      current = oldest
      oldest = (oldest + 1) % lanes.count
      free(lanes[current])
      lanes[current] = Lane(optimizer: optimizer)
    }
  }

  /// Whether a gradient of a weight with the optimizer of this batch is known.
  package func knows(weight: Int) -> Bool {
    weight < lanes[current].weights.count && lanes[current].weights[weight].norm != nil
  }

  /// The cosine between a gradient and the one before, rounded to float32; nil when one of them is not there or
  /// has no direction. The next one is compared with this gradient.
  ///
  /// - Parameters:
  ///   - gradient: every element of it.
  ///   - weight: a small number that stands for its weight.
  package func cosine(of gradient: TensorView, weight: Int) -> Double? {
    let count = GradientSample.count(of: gradient.elementCount)
    guard makeRoom(for: count, weight: weight) else { return nil }
    sample.take(from: gradient)
    let previous = lanes[current].weights[weight]
    guard let kept = previous.elements else {
      lanes[current].weights[weight].norm = 0
      return nil
    }
    let sums = Self.exchange(kept, sample.elements, count)
    let norm = sums.squares.isFinite ? sums.squares.squareRoot() : 0
    lanes[current].weights[weight].norm = norm
    guard let before = previous.norm, before > 0, norm > 0 else { return nil }
    return Double(Float(min(1, max(-1, sums.products / (before * norm)))))
  }

  /// Forgets the gradient of a weight: the next one is compared with nothing.
  package func forget(weight: Int) {
    guard weight < lanes[current].weights.count else { return }
    lanes[current].weights[weight].norm = nil
  }

  /// Forgets every gradient and keeps the memory.
  package func forgetAll() {
    for lane in lanes.indices {
      for weight in lanes[lane].weights.indices { lanes[lane].weights[weight].norm = nil }
    }
  }

  /// Room for a sample of a weight; a weight has one shape.
  private func makeRoom(for count: Int, weight: Int) -> Bool {
    while lanes[current].weights.count <= weight { lanes[current].weights.append(Previous()) }
    guard lanes[current].weights[weight].count != count else { return true }
    guard keptElements + count <= Self.mostElements else { return false }
    keptElements += count - lanes[current].weights[weight].count
    lanes[current].weights[weight].elements?.deallocate()
    lanes[current].weights[weight] = Previous(elements: .allocate(capacity: count), count: count)
    lanes[current].weights[weight].elements?.initialize(repeating: 0, count: count)
    return true
  }

  private func free(_ lane: Lane) {
    for weight in lane.weights {
      weight.elements?.deallocate()
      keptElements -= weight.count
    }
  }

  /// Sums the products of the elements before and now and the squares of those now, in Double, and puts those now
  /// in the place of those before.
  private static func exchange(
    _ before: UnsafeMutablePointer<Float>, _ now: UnsafeMutablePointer<Float>, _ count: Int
  ) -> (products: Double, squares: Double) {
    var products = SIMD4<Double>.zero
    var squares = SIMD4<Double>.zero
    let vectorized = count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let values = UnsafeRawPointer(now + index).loadUnaligned(as: SIMD4<Float>.self)
      let place = UnsafeMutableRawPointer(before + index)
      let wide = SIMD4<Double>(values)
      products += wide * SIMD4<Double>(place.loadUnaligned(as: SIMD4<Float>.self))
      squares += wide * wide
      place.storeBytes(of: values, as: SIMD4<Float>.self)
    }
    var sums = (products: products.sum(), squares: squares.sum())
    for index in vectorized..<count {
      let value = Double(now[index])
      sums.products += value * Double(before[index])
      sums.squares += value * value
      before[index] = now[index]
    }
    return sums
  }
}
