import GradlogTrainer
import Testing

/// Gradients against central finite differences of the loss.
///
/// Losses are Float32, with about 6e-8 of relative rounding; a step of 1/128 divides that into an error
/// near 1e-5, and its square times the third derivative is of the same size. Weights near the kink
/// of relu and its kind are drawn so that no step crosses it: seed and rows are fixed.
struct GradientCheckTests {
  private static let step: Float = 1 / 128

  @Test(arguments: Activation.all)
  func activationInside(_ activation: Activation) throws {
    try check(
      [Dense(4, activation: activation), Dense(2)], loss: .meanSquaredError, targets: .real(2))
  }

  @Test(arguments: Activation.all)
  func activationAtTheEnd(_ activation: Activation) throws {
    try check([Dense(3, activation: activation)], loss: .meanSquaredError, targets: .real(3))
  }

  @Test(arguments: Loss.allCases, [Activation.sigmoid, .softmax, .softplus])
  func loss(_ loss: Loss, after activation: Activation) throws {
    // Softplus can exceed 1, where binary crossentropy is clipped and has no slope; a bias keeps it low.
    let layer = Dense(3, activation: activation, biasInitializer: .constant(-1))
    let targets: Targets = loss == .sparseCategoricalCrossentropy ? .classes(3) : .oneHot(3)
    try check([Dense(4, activation: .tanh), layer], loss: loss, targets: targets)
  }

  private enum Targets {
    case real(Int)
    case oneHot(Int)
    case classes(Int)
  }

  private func data(_ targets: Targets) throws -> TrainingData {
    let rows = 6
    var source = RandomSource(seed: 3)
    let x = (0..<rows * 3).map { _ in Float(source.uniform() * 2 - 1) }
    let y: [[Float]] =
      switch targets {
      case .real(let count):
        (0..<rows).map { _ in (0..<count).map { _ in Float(source.uniform() * 2 - 1) } }
      case .oneHot(let count):
        (0..<rows).map { row in (0..<count).map { $0 == row % count ? 1 : 0 } }
      case .classes(let count): (0..<rows).map { [Float($0 % count)] }
      }
    return try TrainingData(x: Matrix(rows: rows, columns: 3, values: x), y: Matrix(y))
  }

  private func check(_ layers: [Dense], loss: Loss, targets: Targets) throws {
    let data = try data(targets)
    // A learning rate of 0 leaves the weights where they are.
    let model = try Sequential(
      layers, inputs: 3, loss: loss, optimizer: .sgd(learningRate: 0), seed: 4)
    let keeper = GradientKeeper()
    try model.fit(data, batchSize: data.rows, shuffle: false, callbacks: [keeper])
    let gradients = try #require(keeper.batches.first).raw
    #expect(gradients.values.joined().contains { abs($0) > 1e-3 })

    for weight in model.weights {
      let values = try model.values(of: weight.name)
      for index in values.indices {
        func loss(at offset: Float) throws -> Double {
          var moved = values
          moved[index] += offset
          try model.setValues(moved, of: weight.name)
          return try model.evaluate(data, batchSize: data.rows).loss
        }
        let slope = try (loss(at: Self.step) - loss(at: -Self.step)) / Double(2 * Self.step)
        try model.setValues(values, of: weight.name)
        let gradient = try #require(gradients[weight.name])[index]
        #expect(
          abs(slope - Double(gradient)) <= 2e-4 + 1e-3 * abs(slope), "\(weight.name)[\(index)]")
      }
    }
  }
}
