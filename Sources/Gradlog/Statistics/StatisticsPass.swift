/// Computes the statistics of one gradient after another, reusing its buffers.
///
/// The elements are read once, in blocks that stay in the first-level cache: converted to Double,
/// counted by exponent, freed of non-finite elements, and summed in SIMD lanes. Tensors of every
/// element type take the same path from the conversion on.
struct StatisticsPass: ~Copyable {
  /// Elements of a block: 4 KiB of Doubles.
  private static let blockLength = 512

  private let block: UnsafeMutablePointer<Double>
  private var bins = ExponentBins()

  init() {
    block = .allocate(capacity: Self.blockLength)
  }

  deinit {
    block.deallocate()
  }

  /// The exponent histogram of the last gradient, encoded as in docs/FileFormat.md; valid until the
  /// next ``run(over:)``.
  var exponentsBlob: UnsafeRawBufferPointer { bins.blob }

  /// The statistics of a gradient.
  mutating func run(over tensor: RecordedTensor) -> GradientStatistics {
    switch tensor {
    case .whole(let view): run(over: view)
    case .rows(let rows): run(over: rows.elements, andZeros: rows.omittedElementCount)
    }
  }

  /// The statistics of `view`, and of so many zeros besides.
  mutating func run(over view: TensorView, andZeros zeroCount: Int = 0) -> GradientStatistics {
    var statistics = GradientStatistics()
    statistics.elementCount = view.elementCount + zeroCount
    bins.add(zeros: zeroCount)
    var moments = Moments()
    moments.add(zeros: zeroCount)
    view.forEachBlock(in: block, of: Self.blockLength) { count in
      bins.add(block, count, mayHoldSubnormals: view.dtype == .float64)
      let finiteCount =
        bins.sawNonFinite ? Self.removeNonFinite(block, count, &statistics) : count
      moments.add(block, finiteCount)
    }
    statistics.setMoments(rescaled(moments, of: view, andZeros: zeroCount))
    bins.finish(&statistics)
    return statistics
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
    view.forEachBlock(in: block, of: Self.blockLength) { count in
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
