// The update rules of Keras 3 (`keras/src/optimizers/sgd.py`, `rmsprop.py`, `adam.py`), one weight at a
// time: `w` are its values, `g` its gradient, the others its memory. All are `FloatBuffer`s of `count`
// values, which end at a multiple of eight, and no two are the same.

/// One step of gradient descent.
struct SGDStep {
  let rate: Float
  let momentum: Float
  let isNesterov: Bool

  func update(
    _ w: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>,
    momentum m: UnsafeMutablePointer<Float>, count: Int
  ) {
    for i in stride(from: 0, to: count, by: Lanes.scalarCount) {
      let change = g[lanes: i] * rate
      if momentum == 0 {
        w[lanes: i] -= change
        continue
      }
      let velocity = m[lanes: i] * momentum - change
      m[lanes: i] = velocity
      w[lanes: i] += isNesterov ? velocity * momentum - change : velocity
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
    for i in stride(from: 0, to: count, by: Lanes.scalarCount) {
      let gradient = g[lanes: i]
      let velocity = rho * v[lanes: i] + complement * (gradient * gradient)
      v[lanes: i] = velocity
      var denominator = velocity + epsilon
      if isCentered {
        let average = rho * mean[lanes: i] + complement * gradient
        mean[lanes: i] = average
        denominator = velocity - average * average + epsilon
      }
      var change = rate * gradient / denominator.squareRoot()
      if momentum > 0 {
        change = momentum * m[lanes: i] + change
        m[lanes: i] = change
      }
      w[lanes: i] -= change
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
    for i in stride(from: 0, to: count, by: Lanes.scalarCount) {
      let gradient = g[lanes: i]
      let momentum = m[lanes: i] + (gradient - m[lanes: i]) * complement1
      var velocity = v[lanes: i] + (gradient * gradient - v[lanes: i]) * complement2
      m[lanes: i] = momentum
      v[lanes: i] = velocity
      if let largest {
        let previous = largest[lanes: i]
        velocity = previous.replacing(with: velocity, where: .!(previous .>= velocity))
        largest[lanes: i] = velocity
      }
      w[lanes: i] -= momentum * rate / (velocity.vectorRoot + epsilon)
    }
  }
}
