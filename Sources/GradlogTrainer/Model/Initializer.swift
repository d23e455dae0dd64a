internal import Foundation

/// How the first values of a weight are drawn, with Keras's names, formulas and defaults.
///
/// Source: Keras 3, `keras/src/initializers/random_initializers.py`. For a kernel [inputs, units] the
/// fan-in is `inputs` and the fan-out `units`; for a bias [units] both are `units`.
public enum Initializer: Sendable, Equatable {
  /// All 0. The default of a bias.
  case zeros
  /// All 1.
  case ones
  /// All the same value.
  case constant(Double)
  /// A normal distribution.
  case randomNormal(mean: Double = 0, standardDeviation: Double = 0.05)
  /// A uniform distribution in [minimum, maximum).
  case randomUniform(minimum: Double = -0.05, maximum: Double = 0.05)
  /// A normal distribution redrawn beyond two standard deviations.
  case truncatedNormal(mean: Double = 0, standardDeviation: Double = 0.05)
  /// Uniform within ±√(6 ÷ (fan-in + fan-out)). The default of a kernel. Glorot and Bengio, 2010.
  case glorotUniform
  /// Truncated normal of variance 2 ÷ (fan-in + fan-out). Glorot and Bengio, 2010.
  case glorotNormal
  /// Uniform within ±√(6 ÷ fan-in). He et al., 2015.
  case heUniform
  /// Truncated normal of variance 2 ÷ fan-in. He et al., 2015.
  case heNormal
  /// Uniform within ±√(3 ÷ fan-in). LeCun et al., 1998.
  case lecunUniform
  /// Truncated normal of variance 1 ÷ fan-in. LeCun et al., 1998.
  case lecunNormal
  /// Orthonormal columns, or rows where there are fewer rows. Saxe et al., 2014.
  case orthogonal(gain: Double = 1)

  /// The standard deviation of a unit normal distribution cut off at ±2; Keras divides by it so that
  /// the truncated distribution has the variance asked for.
  private static let truncatedDeviation = 0.87962566103423978

  /// Draws the values of a weight.
  ///
  /// - Parameters:
  ///   - shape: [inputs, units] of a kernel or [units] of a bias; every size at least 1.
  ///   - source: the generator, left where the next weight continues.
  /// - Returns: the values, row by row.
  public func values(shape: [Int], using source: inout RandomSource) -> [Float] {
    let count = shape.reduce(1, *)
    let fanIn = Double(shape.first ?? 1)
    let fanOut = Double(shape.last ?? 1)
    let average = (fanIn + fanOut) / 2
    switch self {
    case .zeros: return Array(repeating: 0, count: count)
    case .ones: return Array(repeating: 1, count: count)
    case .constant(let value): return Array(repeating: Float(value), count: count)
    case .randomNormal(let mean, let deviation):
      return (0..<count).map { _ in Float(mean + deviation * source.normal()) }
    case .randomUniform(let minimum, let maximum):
      return (0..<count).map { _ in Float(minimum + (maximum - minimum) * source.uniform()) }
    case .truncatedNormal(let mean, let deviation):
      return (0..<count).map { _ in Float(mean + deviation * source.truncatedNormal()) }
    case .glorotUniform: return Self.uniform(count, variance: 1 / average, using: &source)
    case .heUniform: return Self.uniform(count, variance: 2 / fanIn, using: &source)
    case .lecunUniform: return Self.uniform(count, variance: 1 / fanIn, using: &source)
    case .glorotNormal: return Self.normal(count, variance: 1 / average, using: &source)
    case .heNormal: return Self.normal(count, variance: 2 / fanIn, using: &source)
    case .lecunNormal: return Self.normal(count, variance: 1 / fanIn, using: &source)
    case .orthogonal(let gain):
      let matrix = orthonormalMatrix(
        rows: shape.first ?? 1, columns: count / (shape.first ?? 1), using: &source)
      return matrix.map { Float(gain * $0) }
    }
  }

  private static func uniform(
    _ count: Int, variance: Double, using source: inout RandomSource
  ) -> [Float] {
    let limit = (3 * variance).squareRoot()
    return Initializer.randomUniform(minimum: -limit, maximum: limit)
      .values(shape: [count], using: &source)
  }

  private static func normal(
    _ count: Int, variance: Double, using source: inout RandomSource
  ) -> [Float] {
    let deviation = variance.squareRoot() / truncatedDeviation
    return Initializer.truncatedNormal(standardDeviation: deviation)
      .values(shape: [count], using: &source)
  }
}

extension RandomSource {
  /// A standard normal number (Box and Muller, 1958).
  fileprivate mutating func normal() -> Double {
    // 1 - uniform lies in (0, 1], where the logarithm is finite.
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }

  /// A standard normal number within ±2.
  fileprivate mutating func truncatedNormal() -> Double {
    while true {
      let value = normal()
      if abs(value) <= 2 { return value }
    }
  }
}

/// A random matrix with orthonormal columns, or orthonormal rows where it has fewer rows, row by row.
///
/// Normal numbers made orthonormal by Gram and Schmidt are distributed as Keras's QR factor with its
/// signs fixed; two passes keep rounding from spoiling the right angles.
private func orthonormalMatrix(
  rows: Int, columns: Int, using source: inout RandomSource
) -> [Double] {
  let length = max(rows, columns)
  var basis: [[Double]] = []
  for _ in 0..<min(rows, columns) {
    var vector = (0..<length).map { _ in source.normal() }
    for other in basis + basis {
      let projection = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
      for index in vector.indices { vector[index] -= projection * other[index] }
    }
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    basis.append(vector.map { $0 / norm })
  }
  return (0..<rows).flatMap { row in
    (0..<columns).map { column in rows < columns ? basis[row][column] : basis[column][row] }
  }
}
