/// Sums over finite elements, added block by block.
struct Moments {
  private(set) var count = 0
  private(set) var sum = 0.0
  private(set) var sumAbs = 0.0
  private(set) var sumSquares = 0.0
  private(set) var min = Double.infinity
  private(set) var max = -Double.infinity

  /// Σ(g − mean)² of everything added.
  private(set) var squaredDeviations = 0.0
  private var mean = 0.0

  /// Where the mean dominates a block, Σg² − (Σg)²/n cancels; below this share of Σg² the
  /// deviations are summed about the mean in a second look at the block.
  private static let cancellation = 1e-6

  /// Adds the first `length` elements of `block`, all finite.
  mutating func add(_ block: UnsafeMutablePointer<Double>, _ length: Int) {
    add(BlockSums(of: block, length), length) {
      Self.squaredDeviations(of: block, length, from: $0)
    }
  }

  /// Adds the `sums` of so many elements, all finite. `squaredDeviations` sums their squared distances
  /// from their mean.
  mutating func add(
    _ sums: BlockSums, _ length: Int, _ squaredDeviations: (_ mean: Double) -> Double
  ) {
    guard length > 0 else { return }
    let blockMean = sums.sum / Double(length)
    var deviations = sums.sumSquares - sums.sum * blockMean
    if !(deviations > sums.sumSquares * Self.cancellation) {
      deviations = squaredDeviations(blockMean)
    }
    merge(length, blockMean, deviations)
    sum += sums.sum
    sumAbs += sums.sumAbs
    sumSquares += sums.sumSquares
    min = Swift.min(min, sums.min)
    max = Swift.max(max, sums.max)
  }

  /// Adds so many zeros.
  mutating func add(zeros zeroCount: Int) {
    guard zeroCount > 0 else { return }
    merge(zeroCount, 0, 0)
    min = Swift.min(min, 0)
    max = Swift.max(max, 0)
  }

  /// Chan, Golub and LeVeque's update (STAN-CS-79-773, equation 1.5).
  private mutating func merge(_ length: Int, _ blockMean: Double, _ deviations: Double) {
    let total = count + length
    let delta = blockMean - mean
    let share = Double(length) / Double(total)
    squaredDeviations += deviations + delta * delta * Double(count) * share
    mean += delta * share
    count = total
  }

  private static func squaredDeviations(
    of block: UnsafeMutablePointer<Double>, _ length: Int, from mean: Double
  ) -> Double {
    var sum = 0.0
    for index in 0..<length {
      let deviation = block[index] - mean
      sum += deviation * deviation
    }
    return sum
  }
}

/// The sums of one block.
struct BlockSums {
  var sum = 0.0
  var sumAbs = 0.0
  var sumSquares = 0.0
  var min = Double.infinity
  var max = -Double.infinity

  @inline(__always)
  mutating func add(_ value: Double) {
    sum += value
    sumAbs += value.magnitude
    sumSquares += value * value
    min = Swift.min(min, value)
    max = Swift.max(max, value)
  }
}

extension BlockSums {
  /// Sums `length` elements in four SIMD lanes and a scalar tail.
  init(of block: UnsafeMutablePointer<Double>, _ length: Int) {
    self.init()
    let vectorized = length & ~3
    if vectorized > 0 { addLanes(block, vectorized) }
    for index in vectorized..<length { add(block[index]) }
  }

  private mutating func addLanes(_ block: UnsafeMutablePointer<Double>, _ length: Int) {
    var sums = SIMD4<Double>.zero
    var absolutes = SIMD4<Double>.zero
    var squares = SIMD4<Double>.zero
    var smallest = SIMD4(repeating: Double.infinity)
    var largest = SIMD4(repeating: -Double.infinity)
    let bytes = UnsafeRawPointer(block)
    for index in stride(from: 0, to: length, by: 4) {
      let value = bytes.loadUnaligned(fromByteOffset: index &* 8, as: SIMD4<Double>.self)
      let bits = unsafeBitCast(value, to: SIMD4<UInt64>.self) & 0x7FFF_FFFF_FFFF_FFFF
      sums += value
      absolutes += unsafeBitCast(bits, to: SIMD4<Double>.self)
      squares += value * value
      smallest.replace(with: value, where: value .< smallest)
      largest.replace(with: value, where: value .> largest)
    }
    sum = sums.sum()
    sumAbs = absolutes.sum()
    sumSquares = squares.sum()
    min = smallest.min()
    max = largest.max()
  }
}

/// Moments of elements that were divided by a power of two, and that power.
struct ScaledMoments {
  let moments: Moments
  let scale: Double

  init(_ moments: Moments, scale: Double) {
    self.moments = moments
    self.scale = scale
  }
}

extension GradientStatistics {
  /// Fills in the sums, moments and extrema.
  mutating func setMoments(_ scaled: ScaledMoments) {
    let moments = scaled.moments
    let scale = scaled.scale
    guard moments.count > 0 else { return }
    let count = Double(moments.count)
    sum = moments.sum * scale
    sumAbs = moments.sumAbs * scale
    sumSquares = moments.sumSquares * scale * scale
    norm = moments.sumSquares.squareRoot() * scale
    rms = (moments.sumSquares / count).squareRoot() * scale
    std = (moments.squaredDeviations / count).squareRoot() * scale
    min = moments.min * scale
    max = moments.max * scale
  }
}
