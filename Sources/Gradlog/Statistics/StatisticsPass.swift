/// Computes the statistics of one gradient after another, reusing its buffers.
///
/// The elements are read once, in blocks that stay in the first-level cache: counted by exponent,
/// freed of non-finite elements, and summed in SIMD lanes of Doubles. Elements of 16 bits are
/// converted to Float and take the path of float32, which counts and sums in one loop. A block
/// of which the counts show that an element is not finite is taken as Doubles, like those of float64.
struct StatisticsPass: ~Copyable {
  /// Elements of a block of Doubles: 4 KiB.
  private static let doublesLength = 512
  /// Elements of a block of Floats: 4 KiB.
  private static let floatsLength = 1024

  /// Room for a block of either, as Doubles.
  private let block: UnsafeMutablePointer<Double>
  private var bins = ExponentBins()
  private var zeroSlices = ZeroSlices()

  init() {
    block = .allocate(capacity: Self.floatsLength)
  }

  deinit {
    block.deallocate()
  }

  /// The exponent histogram of the last gradient, encoded as in docs/FileFormat.md; valid until the
  /// next ``run(over:)``.
  var exponentsBlob: UnsafeRawBufferPointer { bins.blob }

  /// The statistics of a gradient.
  mutating func run(over tensor: RecordedTensor) -> GradientStatistics {
    var statistics =
      switch tensor {
      case .whole(let view): measure(view, andZeros: 0)
      case .rows(let rows): measure(rows.elements, andZeros: rows.omittedElementCount)
      }
    zeroSlices.count(in: tensor, &statistics)
    return statistics
  }

  /// The statistics of a gradient of which every element is there.
  mutating func run(over view: TensorView) -> GradientStatistics { run(over: .whole(view)) }

  /// The statistics of the elements of `view`, and of so many zeros besides.
  private mutating func measure(_ view: TensorView, andZeros zeroCount: Int) -> GradientStatistics {
    var statistics = GradientStatistics()
    statistics.elementCount = view.elementCount + zeroCount
    bins.add(zeros: zeroCount)
    var moments = Moments()
    moments.add(zeros: zeroCount)
    if view.dtype == .float64 {
      addDoubles(of: view, &moments, &statistics)
    } else {
      addFloats(of: view, &moments, &statistics)
    }
    statistics.setMoments(rescaled(moments, of: view, andZeros: zeroCount))
    bins.finish(&statistics)
    return statistics
  }

  private func addDoubles(
    of view: TensorView, _ moments: inout Moments, _ statistics: inout GradientStatistics
  ) {
    view.forEachBlock(in: block, of: Self.doublesLength) { count in
      bins.add(block, count)
      let finiteCount =
        bins.sawNonFinite ? Self.removeNonFinite(block, count, &statistics) : count
      moments.add(block, finiteCount)
    }
  }

  private func addFloats(
    of view: TensorView, _ moments: inout Moments, _ statistics: inout GradientStatistics
  ) {
    for start in stride(from: 0, to: view.elementCount, by: Self.floatsLength) {
      let count = min(Self.floatsLength, view.elementCount - start)
      guard let floats = view.floatBlock(from: start, count: count, in: block) else { return }
      if let sums = bins.add(floats) {
        moments.add(sums, count, floats.squaredDeviations(from:))
      } else {
        view.load(into: block, from: start, count: count)
        moments.add(block, Self.removeNonFinite(block, count, &statistics))
      }
    }
  }

  /// `moments`, or those of a second pass over scaled elements when the squares of a float64 tensor
  /// leave the range of Double. The power of two makes the scaling exact.
  private func rescaled(
    _ moments: Moments, of view: TensorView, andZeros zeroCount: Int
  ) -> ScaledMoments {
    let largest = max(moments.max, -moments.min)
    guard view.dtype == .float64, moments.count > 0, largest > 0,
      !(-480...480).contains(Int(largest.exponent))
    else { return ScaledMoments(moments, scale: 1) }
    let scale = Double(sign: .plus, exponent: max(Int(largest.exponent), -1000), significand: 1)
    let inverse = 1 / scale
    var scaled = Moments()
    scaled.add(zeros: zeroCount)
    var ignored = GradientStatistics()
    view.forEachBlock(in: block, of: Self.doublesLength) { count in
      let finiteCount = Self.removeNonFinite(block, count, &ignored)
      for index in 0..<finiteCount { block[index] *= inverse }
      scaled.add(block, finiteCount)
    }
    return ScaledMoments(scaled, scale: scale)
  }

  /// Moves the finite elements to the front, counts the others, and returns how many are finite.
  private static func removeNonFinite(
    _ block: UnsafeMutablePointer<Double>, _ count: Int, _ statistics: inout GradientStatistics
  ) -> Int {
    var finiteCount = 0
    for index in 0..<count {
      let value = block[index]
      if value.isFinite {
        block[finiteCount] = value
        finiteCount += 1
      } else if value.isNaN {
        statistics.nanCount += 1
      } else if value > 0 {
        statistics.posinfCount += 1
      } else {
        statistics.neginfCount += 1
      }
    }
    return finiteCount
  }
}

extension GradientStatistics {
  /// The statistics of one tensor. A recorder keeps its buffers between gradients and is faster.
  public init(of tensor: TensorView) {
    var pass = StatisticsPass()
    self = pass.run(over: tensor)
  }
}
