/// A bound on gradients, applied before the update rule.
///
/// Keras allows one kind at a time.
///
/// Source: Keras 3, `keras/src/optimizers/base_optimizer.py`; each limit is greater than 0.
public enum GradientClipping: Sendable, Equatable {
  /// Scales a weight's gradient down to this L2 norm. Keras's `clipnorm`.
  case norm(Double)
  /// Scales all gradients together down to this L2 norm. Keras's `global_clipnorm`.
  case globalNorm(Double)
  /// Cuts every element to ±value. Keras's `clipvalue`.
  case value(Double)
}

extension GradientClipping {
  /// Fills every trainable weight's clipped gradient from its gradient.
  func apply(to parameters: [Parameter]) {
    switch self {
    case .norm(let limit):
      for parameter in parameters {
        Self.clip(parameter) { gradient in
          let norm = Float(sumOfSquares(gradient).squareRoot())
          let bound = norm < Float(limit) ? Float(limit) : norm
          return { $0 * Float(limit) / bound }
        }
      }
    case .globalNorm(let limit):
      var total = 0.0
      for parameter in parameters {
        if let gradient = parameter.gradient { total += sumOfSquares(gradient) }
      }
      let scale = Self.globalScale(norm: Float(total.squareRoot()), limit: Float(limit))
      for parameter in parameters { Self.clip(parameter) { _ in { $0 * scale } } }
    case .value(let limit):
      let bound = Float(limit)
      for parameter in parameters {
        Self.clip(parameter) { _ in { $0 > bound ? bound : $0 < -bound ? -bound : $0 } }
      }
    }
  }

  /// The common factor of all gradients; NaN when the norm is not finite, as Keras has it.
  private static func globalScale(norm: Float, limit: Float) -> Float {
    let inverse = 1 / norm
    let smaller = inverse < 1 / limit ? inverse : 1 / limit
    return limit * smaller + (norm - norm)
  }

  private static func clip(
    _ parameter: Parameter, by makeRule: (FloatBuffer) -> (Float) -> Float
  ) {
    guard let gradient = parameter.gradient, let clipped = parameter.clippedGradient else { return }
    let rule = makeRule(gradient)
    for i in 0..<gradient.count { clipped.start[i] = rule(gradient.start[i]) }
  }
}

/// Σg², in Double so that neither order nor length matters.
private func sumOfSquares(_ buffer: FloatBuffer) -> Double {
  var sum = 0.0
  for i in 0..<buffer.count { sum += Double(buffer.start[i]) * Double(buffer.start[i]) }
  return sum
}
