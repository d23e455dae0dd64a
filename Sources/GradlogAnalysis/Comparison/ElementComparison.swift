internal import Foundation
internal import Gradlog

/// Compares two gradients element by element: where they differ first, and how far they are apart.
///
/// Its memory is used again and again; begin with ``begin(_:_:largest:)`` for each pair.
final class ElementComparison {
  /// Elements that are converted at a time: three blocks fit into the first-level cache.
  private static let blockLength = 1024

  private let tolerance: Tolerance?
  private let blockA = UnsafeMutablePointer<Double>.allocate(capacity: blockLength)
  private let blockB = UnsafeMutablePointer<Double>.allocate(capacity: blockLength)
  private let zeros = UnsafeMutableRawPointer.allocate(
    byteCount: blockLength * MemoryLayout<Double>.size, alignment: 8)

  private var typeA = DType.float32
  private var typeB = DType.float32
  private var sums = DifferenceSums()

  /// Row-major index of the first element that differs; nil while there is none.
  private(set) var firstIndex: Int?

  init(within tolerance: Tolerance?) {
    self.tolerance = tolerance
    zeros.initializeMemory(
      as: UInt8.self, repeating: 0, count: Self.blockLength * MemoryLayout<Double>.size)
  }

  deinit {
    blockA.deallocate()
    blockB.deallocate()
    zeros.deallocate()
  }

  /// How far the elements that were added are apart.
  var drift: Drift { sums.drift }

  /// Begins anew with elements of these types.
  ///
  /// `largest` is the largest absolute value in either gradient, about; NaN when unknown. Squares of
  /// numbers near it must neither overflow nor underflow.
  func begin(_ typeA: DType, _ typeB: DType, largest: Double) {
    self.typeA = typeA
    self.typeB = typeB
    sums = DifferenceSums(largest: largest)
    firstIndex = nil
  }

  /// Adds elements of both gradients; nil is as many zeros.
  func add(from first: Int, count: Int, _ a: UnsafeRawPointer?, _ b: UnsafeRawPointer?) {
    var start = 0
    while start < count {
      let length = min(Self.blockLength, count - start)
      let bytesA = a.map { $0 + start * typeA.byteWidth } ?? UnsafeRawPointer(zeros)
      let bytesB = b.map { $0 + start * typeB.byteWidth } ?? UnsafeRawPointer(zeros)
      typeA.load(length, from: bytesA, into: blockA)
      typeB.load(length, from: bytesB, into: blockB)
      if firstIndex == nil {
        firstIndex = firstDifference(bytesA, bytesB, length).map { first + start + $0 }
      }
      sums.add(blockA, blockB, count: length)
      start += length
    }
  }

  /// The place in the blocks of the first element that differs.
  private func firstDifference(
    _ bytesA: UnsafeRawPointer, _ bytesB: UnsafeRawPointer, _ count: Int
  ) -> Int? {
    if let tolerance {
      return (0..<count).first { !tolerance.agrees(blockA[$0], blockB[$0]) }
    }
    // The payload of a NaN of less than 64 bits may not survive its conversion.
    guard typeA == typeB else {
      return (0..<count).first { blockA[$0].bitPattern != blockB[$0].bitPattern }
    }
    let width = typeA.byteWidth
    guard memcmp(bytesA, bytesB, count * width) != 0 else { return nil }
    return (0..<count).first { memcmp(bytesA + $0 * width, bytesB + $0 * width, width) != 0 }
  }
}

/// The sums over elements a and b of which the distance of two gradients is made.
private struct DifferenceSums {
  /// A power of two that elements are multiplied with before they are squared.
  private var scale = 1.0
  private var largest = 0.0
  private var squaredDifference = 0.0
  private var squaresA = 0.0
  private var squaresB = 0.0
  private var products = 0.0
  private var hasNaN = false
  private var hasInfinity = false

  init() {}

  /// For elements of which this is the largest; see ``ElementComparison/begin(_:_:largest:)``.
  init(largest: Double) {
    // Within these bounds nothing that matters in the result gets lost, whatever is summed up.
    guard largest.isFinite, largest > 0, !(0x1p-400...0x1p400).contains(largest) else { return }
    scale = Double(
      sign: .plus, exponent: max(-1000, min(1000, -Int(largest.exponent))), significand: 1)
  }

  mutating func add(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, count: Int) {
    var block = (most: SIMD4<Double>.zero, difference: SIMD4<Double>.zero)
    var squares = (a: SIMD4<Double>.zero, b: SIMD4<Double>.zero, both: SIMD4<Double>.zero)
    let vectorized = count & ~3
    for index in stride(from: 0, to: vectorized, by: 4) {
      let x = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD4<Double>.self) * scale
      let y = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD4<Double>.self) * scale
      let difference = x - y
      let distance = difference.replacing(with: -difference, where: difference .< 0)
      block.most.replace(with: distance, where: distance .> block.most)
      block.difference += difference * difference
      squares.a += x * x
      squares.b += y * y
      squares.both += x * y
    }
    // What is not finite makes a sum that is not, and is rare: then element by element.
    let total = block.difference.sum() + squares.a.sum() + squares.b.sum()
    guard total.isFinite else {
      for index in 0..<count { add(a[index], b[index]) }
      return
    }
    largest = max(largest, block.most.max())
    squaredDifference += block.difference.sum()
    squaresA += squares.a.sum()
    squaresB += squares.b.sum()
    products += squares.both.sum()
    for index in vectorized..<count { add(a[index], b[index]) }
  }

  private mutating func add(_ a: Double, _ b: Double) {
    guard a.isFinite, b.isFinite else {
      if a != b, !(a.isNaN && b.isNaN) {
        if a.isNaN || b.isNaN { hasNaN = true } else { hasInfinity = true }
      }
      return
    }
    let (x, y) = (a * scale, b * scale)
    largest = max(largest, (x - y).magnitude)
    squaredDifference += (x - y) * (x - y)
    squaresA += x * x
    squaresB += y * y
    products += x * y
  }

  var drift: Drift {
    let norms = squaresA.squareRoot() * squaresB.squareRoot()
    let cosine = norms > 0 && norms.isFinite ? max(-1, min(1, products / norms)) : nil
    if hasNaN { return Drift(largest: .nan, relative: .nan, cosine: cosine) }
    if hasInfinity { return Drift(largest: .infinity, relative: .infinity, cosine: cosine) }
    let norm = squaredDifference.squareRoot()
    return Drift(
      largest: largest / scale, relative: norm == 0 ? 0 : norm / squaresA.squareRoot(),
      cosine: cosine)
  }
}
