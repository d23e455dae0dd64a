// The update rules of Keras 3 (`keras/src/optimizers/sgd.py`, `rmsprop.py`, `adam.py`), one weight at a
// time: `w` are its values, `g` its gradient, the others its memory, all of `count` elements. No two
// of the buffers overlap.

/// One step of gradient descent.
struct SGDStep {
  let rate: Float
  let momentum: Float
  let isNesterov: Bool

  func update(
    _ w: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>,
    momentum m: UnsafeMutablePointer<Float>, count: Int
  ) {
    if momentum == 0 {
      for i in 0..<count { w[i] -= g[i] * rate }
      return
    }
    for i in 0..<count {
      m[i] = m[i] * momentum - g[i] * rate
      w[i] += isNesterov ? m[i] * momentum - g[i] * rate : m[i]
    }
  }
}

/// One step of RMSprop.
struct RMSpropStep {
  let rate: Float
  let rho: Float
  /// 1 − rho.
  let complement: Float
  let momentum: Float
  let epsilon: Float
  let isCentered: Bool

  func update(
    _ w: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>,
    velocity v: UnsafeMutablePointer<Float>, mean: UnsafeMutablePointer<Float>,
    momentum m: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in 0..<count {
      v[i] = rho * v[i] + complement * (g[i] * g[i])
      var denominator = v[i] + epsilon
      if isCentered {
        mean[i] = rho * mean[i] + complement * g[i]
        denominator = v[i] - mean[i] * mean[i] + epsilon
      }
      let increment = rate * g[i] / denominator.squareRoot()
      if momentum > 0 {
        m[i] = momentum * m[i] + increment
        w[i] -= m[i]
      } else {
        w[i] -= increment
      }
    }
  }
}

/// One step of Adam.
struct AdamStep {
  /// The learning rate with both bias corrections.
  let rate: Float
  /// 1 − β₁.
  let complement1: Float
  /// 1 − β₂.
  let complement2: Float
  let epsilon: Float

  /// `largest` is the memory of AMSGrad, nil without it.
  func update(
    _ w: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>,
    momentum m: UnsafeMutablePointer<Float>, velocity v: UnsafeMutablePointer<Float>,
    largest: UnsafeMutablePointer<Float>?, count: Int
  ) {
    guard let largest else {
      for i in 0..<count {
        m[i] += (g[i] - m[i]) * complement1
        v[i] += (g[i] * g[i] - v[i]) * complement2
        w[i] -= m[i] * rate / (v[i].squareRoot() + epsilon)
      }
      return
    }
    for i in 0..<count {
      m[i] += (g[i] - m[i]) * complement1
      v[i] += (g[i] * g[i] - v[i]) * complement2
      largest[i] = largest[i] >= v[i] ? largest[i] : v[i]
      w[i] -= m[i] * rate / (largest[i].squareRoot() + epsilon)
    }
  }
}
