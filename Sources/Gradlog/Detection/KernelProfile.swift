internal import Glibc

/// The size of the gradients along the depth of a network, smoothed over batches, so that one odd batch does not count.
///
/// Of each kernel (tensor of two dimensions or more) the decimal logarithm of the root mean square of its non-zero elements,
/// so that neither a layer's size counts nor the rows of an embedding that a batch does not touch.
struct KernelProfile: Sendable {
  /// The kernels of the batch that have a gradient, from the input on.
  private(set) var kernels: [Int] = []
  /// By weight; NaN before the first gradient.
  private var levels: [Double] = []
  private var counts: [Int] = []

  private static let smoothing = 0.1

  mutating func observe(_ gradients: [ObservedGradient], _ weights: [ObservedWeight]) {
    kernels.removeAll(keepingCapacity: true)
    for gradient in gradients {
      let weight = weights[gradient.weight]
      let alive = weight.elementCount - gradient.zeroCount
      guard weight.isKernel, gradient.norm > 0, gradient.norm.isFinite, alive > 0,
        !isLookup(gradient, weight)
      else { continue }
      kernels.append(gradient.weight)
      add(log10(gradient.norm) - 0.5 * log10(Double(alive)), to: gradient.weight)
    }
    if !zip(kernels, kernels.dropFirst()).allSatisfy({ weights[$0].position < weights[$1].position }
    ) {
      kernels.sort { weights[$0].position < weights[$1].position }
    }
  }

  /// Whether it looks like an embedding, of which a batch touches some rows: its gradient depends on how many.
  private func isLookup(_ gradient: ObservedGradient, _ weight: ObservedWeight) -> Bool {
    guard let rows = gradient.zeroRows, let columns = gradient.zeroColumns else { return false }
    return rows > weight.rows / 2 && columns == 0
  }

  private mutating func add(_ size: Double, to weight: Int) {
    while levels.count <= weight {
      levels.append(.nan)
      counts.append(0)
    }
    counts[weight] += 1
    let rate = max(Self.smoothing, 1 / Double(counts[weight]))
    levels[weight] =
      counts[weight] == 1 ? size : levels[weight] + rate * (size - levels[weight])
  }

  /// log₁₀ of the size of a kernel in ``kernels``.
  func level(of kernel: Int) -> Double { levels[kernel] }

  /// The median level of the third that is nearest to the input and of the third nearest to the loss; nil for fewer
  /// than three kernels.
  var ends: (shallow: Double, deep: Double)? {
    guard kernels.count >= 3 else { return nil }
    let third = kernels.count / 3
    return (median(of: kernels.prefix(third)), median(of: kernels.suffix(third)))
  }

  /// The median level of the third in the middle; nil for fewer than six kernels.
  var middle: Double? {
    let third = kernels.count / 3
    return third >= 2 ? median(of: kernels.dropFirst(third).prefix(third)) : nil
  }

  /// The kernels that are so many decades smaller than one nearer to the loss, from the input on.
  func kernels(below drop: Double) -> [Int] {
    var largest = -Double.infinity
    var found: [Int] = []
    for kernel in kernels.reversed() {
      if levels[kernel] < largest - drop { found.append(kernel) }
      largest = max(largest, levels[kernel])
    }
    return found.reversed()
  }

  /// The largest level; nil when there is none.
  var largest: (kernel: Int, level: Double)? {
    kernels.max { levels[$0] < levels[$1] }.map { ($0, levels[$0]) }
  }

  private func median(of kernels: ArraySlice<Int>) -> Double {
    if kernels.count == 1 { return levels[kernels[kernels.startIndex]] }
    let sorted = kernels.map { levels[$0] }.sorted()
    return sorted[sorted.count / 2]
  }
}
