import Gradlog
import GradlogTrainer
import Testing

/// What a run that diverges records.
@Suite struct DivergenceTests {
  @Test func aNaNFromAboveShowsInTheWeightsBelowAUnitThatIsOff() throws {
    // With these weights the hidden unit is off, and the target makes the output's gradient infinite.
    let model = try Sequential(
      [Dense(1, activation: .relu), Dense(1)], inputs: 1, loss: .meanSquaredError,
      optimizer: .sgd())
    try model.setValues([-1], of: "dense_0/kernel")
    try model.setValues([.infinity], of: "dense_1/kernel")
    let keeper = GradientKeeper()
    try model.fit(
      try TrainingData(x: Matrix([[1]]), y: Matrix([[0]])), batchSize: 1, callbacks: [keeper])
    let gradients = try #require(keeper.batches.first).raw
    #expect(gradients["dense_0/kernel"]?.allSatisfy(\.isNaN) == true)
    #expect(gradients["dense_0/bias"]?.allSatisfy(\.isNaN) == true)
  }
}
