internal import Foundation

/// What an optimizer remembers of one model: its running means, and how many steps it took.
///
/// The arithmetic is Keras's in Keras's order, in Float32 throughout: 1 − β₂ᵗ for β₂ = 0.999 differs
/// from its exact value by 5·10⁻⁵ in that precision, and the weights of Keras show it. Constants such
/// as 1 − β are subtracted in Double and rounded once, as Python does it.
final class OptimizerState {
  private let optimizer: Optimizer
  private let slots: [Slots]

  /// Steps taken so far.
  private(set) var step = 0

  /// One weight's memory; a buffer is empty when the rule does not need it.
  private struct Slots {
    let momentum: FloatBuffer
    let velocity: FloatBuffer
    /// RMSprop: the mean gradient.
    ///
    /// Adam: the largest velocity.
    let third: FloatBuffer
  }

  /// Starts with zeros for every trainable weight.
  init(_ optimizer: Optimizer, parameters: [Parameter]) {
    self.optimizer = optimizer
    let (momentum, velocity, third) = optimizer.rule.memory
    slots = parameters.map { parameter in
      let count = parameter.gradient?.count ?? 0
      return Slots(
        momentum: FloatBuffer(count: momentum ? count : 0),
        velocity: FloatBuffer(count: velocity ? count : 0),
        third: FloatBuffer(count: third ? count : 0))
    }
  }

  /// Takes one step: clips, decays, updates.
  ///
  /// Frozen weights stay as they are.
  ///
  /// Clipping has happened before, in ``GradientClipping/apply(to:)``.
  func update(_ parameters: [Parameter]) {
    step += 1
    for (parameter, slots) in zip(parameters, slots) {
      guard let gradient = parameter.clippedGradient else { continue }
      decay(parameter.values)
      update(parameter.values.start, gradient.start, slots, count: gradient.count)
    }
  }

  private func decay(_ values: FloatBuffer) {
    guard let weightDecay = optimizer.weightDecay else { return }
    let rate = Float(optimizer.learningRate)
    let share = Float(weightDecay)
    for i in 0..<values.count { values.start[i] -= values.start[i] * share * rate }
  }

  private func update(
    _ w: UnsafeMutablePointer<Float>, _ g: UnsafeMutablePointer<Float>, _ slots: Slots, count: Int
  ) {
    let rate = Float(optimizer.learningRate)
    switch optimizer.rule {
    case .sgd(let momentum, let nesterov):
      let step = SGDStep(rate: rate, momentum: Float(momentum), isNesterov: nesterov)
      step.update(w, g, momentum: slots.momentum.start, count: count)
    case .rmsprop(let rho, let momentum, let epsilon, let centered):
      let step = RMSpropStep(
        rate: rate, rho: Float(rho), complement: Float(1 - rho), momentum: Float(momentum),
        epsilon: Float(epsilon), isCentered: centered)
      step.update(
        w, g, velocity: slots.velocity.start, mean: slots.third.start,
        momentum: slots.momentum.start, count: count)
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      let power1 = pow(Float(beta1), Float(self.step))
      let power2 = pow(Float(beta2), Float(self.step))
      let step = AdamStep(
        rate: rate * (1 - power2).squareRoot() / (1 - power1), complement1: Float(1 - beta1),
        complement2: Float(1 - beta2), epsilon: Float(epsilon))
      step.update(
        w, g, momentum: slots.momentum.start, velocity: slots.velocity.start,
        largest: amsgrad ? slots.third.start : nil, count: count)
    }
  }
}

extension Optimizer.Rule {
  /// Which of the three buffers of a weight the rule needs.
  fileprivate var memory: (momentum: Bool, velocity: Bool, third: Bool) {
    switch self {
    case .sgd(let momentum, _): (momentum != 0, false, false)
    case .rmsprop(_, let momentum, _, let centered): (momentum > 0, true, centered)
    case .adam(_, _, _, let amsgrad): (true, true, amsgrad)
    }
  }
}
