internal import Foundation

// Every function here returns the mean loss of a batch and writes its gradient into `delta`: with
// respect to z where it says logits, to a where it says probabilities. `Loss.evaluate` chooses.

/// Keras's epsilon, which keeps probabilities away from the poles of the logarithm.
private let smallest: Float = 1e-7
private let largest: Float = 1 - 1e-7

/// A probability clipped to [1e-7, 1 − 1e-7], and the slope of clipping: 1 inside, 0 outside.
@inline(__always)
private func clip(_ p: Float) -> (value: Float, slope: Float) {
  if p < smallest { return (smallest, 0) }
  if p > largest { return (largest, 0) }
  return (p, 1)
}

/// max(z, 0) − z·y + ln(1 + e^−│z│), with slope σ(z) − y.
func binaryFromLogits(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 1 / Float(input.count)
  var sum = 0.0
  for i in 0..<input.count {
    let z = input.z[i]
    let y = input.y[i]
    sum += Double((z < 0 ? 0 : z) - z * y + log1p(exp(-abs(z))))
    delta[i] = (logistic(z) - y) * scale
  }
  return Float(sum / Double(input.count))
}

/// −y·ln p − (1 − y)·ln(1 − p) over clipped p, with slope (1 − y) ÷ (1 − p) − y ÷ p.
func binaryFromProbabilities(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 1 / Float(input.count)
  var sum = 0.0
  for i in 0..<input.count {
    let (p, slope) = clip(input.a[i])
    let y = input.y[i]
    sum -= Double(y * log(p) + (1 - y) * log(1 - p))
    delta[i] = ((1 - y) / (1 - p) - y / p) * slope * scale
  }
  return Float(sum / Double(input.count))
}

/// −Σ y·ln softmax(z), with TensorFlow's slope softmax(z) − y, whatever y sums to.
func categoricalFromLogits(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 1 / Float(input.rows)
  var sum = 0.0
  for row in 0..<input.rows {
    let start = row * input.units
    softmaxRow(input.z + start, into: delta + start, units: input.units)
    let normalizer = logarithmOfSum(input.z + start, units: input.units)
    for i in start..<start + input.units {
      sum += Double(input.y[i] * (normalizer - input.z[i]))
      delta[i] = (delta[i] - input.y[i]) * scale
    }
  }
  return Float(sum / Double(input.rows))
}

/// −Σ y·ln q over clipped q = p ÷ Σp, the clip's slope and then the quotient's.
func categoricalFromProbabilities(
  _ input: LossInput, _ delta: UnsafeMutablePointer<Float>
) -> Float {
  let scale = 1 / Float(input.rows)
  var sum = 0.0
  for row in 0..<input.rows {
    let start = row * input.units
    let range = start..<start + input.units
    var total: Float = 0
    for i in range { total += input.a[i] }
    // Σⱼ q'ⱼ·qⱼ, where q' is d(loss)/dq: d(loss)/dpᵢ = (q'ᵢ − Σⱼ q'ⱼ·qⱼ) ÷ Σp.
    var weighted: Float = 0
    for i in range {
      let share = input.a[i] / total
      let (q, slope) = clip(share)
      sum -= Double(input.y[i] * log(q))
      delta[i] = -input.y[i] / q * slope * scale
      weighted += delta[i] * share
    }
    for i in range { delta[i] = (delta[i] - weighted) / total }
  }
  return Float(sum / Double(input.rows))
}

/// −ln softmax(z)[y], with slope softmax(z) − onehot(y).
func sparseFromLogits(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 1 / Float(input.rows)
  var sum = 0.0
  for row in 0..<input.rows {
    let start = row * input.units
    let target = start + Int(input.y[row])
    softmaxRow(input.z + start, into: delta + start, units: input.units)
    sum += Double(logarithmOfSum(input.z + start, units: input.units) - input.z[target])
    delta[target] -= 1
    for i in start..<start + input.units { delta[i] *= scale }
  }
  return Float(sum / Double(input.rows))
}

/// −ln(p[y] ÷ Σp) over clipped p: Keras takes the logarithms of p for logits, so the softmax in its
/// loss divides by their sum.
func sparseFromProbabilities(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 1 / Float(input.rows)
  var sum = 0.0
  for row in 0..<input.rows {
    let start = row * input.units
    let target = start + Int(input.y[row])
    var total: Float = 0
    for i in start..<start + input.units { total += clip(input.a[i]).value }
    sum += Double(log(total) - log(clip(input.a[target]).value))
    for i in start..<start + input.units {
      let (p, slope) = clip(input.a[i])
      delta[i] = (p / total - (i == target ? 1 : 0)) / p * slope * scale
    }
  }
  return Float(sum / Double(input.rows))
}

/// ln Σ eᶻ of one row, without overflow.
private func logarithmOfSum(_ z: UnsafePointer<Float>, units: Int) -> Float {
  var peak = z[0]
  for i in 0..<units where !(z[i] <= peak) { peak = z[i] }
  var sum: Float = 0
  for i in 0..<units { sum += exp(z[i] - peak) }
  return peak + log(sum)
}
