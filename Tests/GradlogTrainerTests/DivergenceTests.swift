import Foundation
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

  /// The weights before each batch.
  private final class Weights: Callback {
    let model: Sequential
    var before: [[Float]] = []

    init(of model: Sequential) { self.model = model }

    func onBatchBegin(_ event: BatchBegin) {
      before.append((try? model.values(of: "dense_0/kernel")) ?? [])
    }
  }

  @Test func aTrainingStopsBeforeTheStepThatWouldSpoilIt() throws {
    let path = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = try Sequential(
      [Dense(1)], inputs: 1, loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    let weights = Weights(of: model)
    let x = try Matrix([[1], [2], [1], [.nan], [1], [2]])
    let y = try Matrix([[2], [4], [2], [1], [2], [4]])
    var options = GradientRecorder.Options()
    options.stopOn = .rule(.nonFinite)
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      try model.fit(
        TrainingData(x: x, y: y), batchSize: 1, epochs: 5, shuffle: false,
        callbacks: [weights, recorder])
      #expect(recorder.stopped?.batch == 3)
    }
    #expect(weights.before.count == 4)
    #expect(try model.values(of: "dense_0/kernel") == weights.before[3])
    #expect(weights.before[3] != weights.before[2])
  }
}
