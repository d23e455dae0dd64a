internal import Foundation

extension Activation {
  /// Computes `a = f(z)`; both are [rows, units], at the start of a ``FloatBuffer``.
  ///
  /// NaN goes through every function, as in TensorFlow: a run that diverges shows it.
  func apply(
    _ z: UnsafePointer<Float>, into a: UnsafeMutablePointer<Float>, rows: Int, units: Int
  ) {
    let count = rows * units
    switch self {
    case .linear: a.update(from: z, count: count)
    case .relu:
      for i in stride(from: 0, to: count, by: Lanes.scalarCount) {
        a[lanes: i] = z[lanes: i].replacing(with: 0, where: z[lanes: i] .< 0)
      }
    case .leakyReLU(let negativeSlope):
      let slope = Float(negativeSlope)
      map(z, a, count) { $0 > 0 ? $0 : slope * $0 }
    case .elu(let alpha):
      let scale = Float(alpha)
      map(z, a, count) { $0 > 0 ? $0 : scale * expm1($0) }
    case .gelu: map(z, a, count) { 0.5 * $0 * (1 + erf($0 * inverseRoot2)) }
    case .softplus: map(z, a, count) { ($0 < 0 ? 0 : $0) + log1p(exp(-abs($0))) }
    case .sigmoid: map(z, a, count, logistic)
    case .tanh: map(z, a, count) { Foundation.tanh($0) }
    case .softmax:
      for row in 0..<rows { softmaxRow(z + row * units, into: a + row * units, units: units) }
    }
  }

  /// Turns d(loss)/da into d(loss)/dz in place; `delta`, `z` and `a` are [rows, units],
  /// each at the start of a ``FloatBuffer``.
  ///
  /// The slopes at the kinks are TensorFlow's: 0 at 0 for relu, negativeSlope for leaky_relu.
  func backpropagate(
    _ delta: UnsafeMutablePointer<Float>, z: UnsafePointer<Float>, a: UnsafePointer<Float>,
    rows: Int, units: Int
  ) {
    let count = rows * units
    switch self {
    case .linear: break
    case .relu:
      for i in stride(from: 0, to: count, by: Lanes.scalarCount) {
        // Multiplied, not selected, as in TensorFlow: a NaN or an infinity from above stays visible
        // as NaN where the unit is off.
        delta[lanes: i] *= Lanes.zero.replacing(with: 1, where: z[lanes: i] .> 0)
      }
    case .leakyReLU(let negativeSlope):
      let slope = Float(negativeSlope)
      for i in 0..<count where !(z[i] > 0) { delta[i] *= slope }
    case .elu(let alpha):
      let scale = Float(alpha)
      for i in 0..<count where !(z[i] > 0) { delta[i] *= a[i] + scale }
    case .gelu: for i in 0..<count { delta[i] *= geluSlope(z[i]) }
    case .softplus: for i in 0..<count { delta[i] *= logistic(z[i]) }
    case .sigmoid: for i in 0..<count { delta[i] *= a[i] * (1 - a[i]) }
    case .tanh: for i in 0..<count { delta[i] *= 1 - a[i] * a[i] }
    case .softmax:
      for row in 0..<rows { softmaxSlope(delta + row * units, a: a + row * units, units: units) }
    }
  }
}

private let inverseRoot2 = Float(0.5).squareRoot()

@inline(__always)
private func map(
  _ z: UnsafePointer<Float>, _ a: UnsafeMutablePointer<Float>, _ count: Int,
  _ function: (Float) -> Float
) {
  for i in 0..<count { a[i] = function(z[i]) }
}

/// 1 ÷ (1 + e⁻ˣ) without overflow on either side.
@inline(__always)
func logistic(_ x: Float) -> Float {
  let power = exp(-abs(x))
  return (x < 0 ? power : 1) / (1 + power)
}

/// d(x·Φ(x))/dx = Φ(x) + x·φ(x).
private func geluSlope(_ x: Float) -> Float {
  let density = exp(-0.5 * x * x) * Float(0.398942280401432678)
  return 0.5 * (1 + erf(x * inverseRoot2)) + x * density
}

/// The softmax of one row; the largest value is subtracted first, so that nothing overflows.
func softmaxRow(_ z: UnsafePointer<Float>, into a: UnsafeMutablePointer<Float>, units: Int) {
  var largest = z[0]
  for i in 1..<max(units, 1) where !(z[i] <= largest) { largest = z[i] }
  var sum: Float = 0
  for i in 0..<units {
    a[i] = exp(z[i] - largest)
    sum += a[i]
  }
  for i in 0..<units { a[i] /= sum }
}

/// δz = a ∘ (δa − Σ δa∘a), for one row, in place.
private func softmaxSlope(
  _ delta: UnsafeMutablePointer<Float>, a: UnsafePointer<Float>, units: Int
) {
  var weighted: Float = 0
  for i in 0..<units { weighted += delta[i] * a[i] }
  for i in 0..<units { delta[i] = a[i] * (delta[i] - weighted) }
}
