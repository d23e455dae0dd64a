import Foundation
import GradlogTrainer
import Testing

/// Real data and the article's programs, trained until they must have learnt something.
struct ConvergenceTests {
  private func example(_ name: String) -> String {
    // Tests/GradlogTrainerTests/ConvergenceTests.swift → Examples/
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Examples/\(name).csv").path
  }

  @Test func breastCancerIsClassified() throws {
    let table = try TabularData.read(path: example("breast_cancer"), target: "benign")
    #expect(table.task == .classification(labels: ["0", "1"]))
    #expect(table.data.rows == 569)
    let data = try table.standardized(validationSplit: 0.2).data
    let model = try Sequential(
      [Dense(16, activation: .relu), table.outputLayer], inputs: 30, loss: table.loss,
      optimizer: .adam(learningRate: 0.01), seed: 1)
    let history = try model.fit(data, epochs: 8, validationSplit: 0.2)
    let last = try #require(history.epochs.last)
    #expect(try #require(last.validation?.accuracy) > 0.94)
    #expect(last.training.loss < 0.1)
  }

  @Test func digitsAreClassified() throws {
    let table = try TabularData.read(path: example("digits"), target: "digit")
    #expect(table.task == .classification(labels: (0..<10).map(String.init)))
    let data = try table.standardized(validationSplit: 0.2).data
    let model = try Sequential(
      [Dense(32, activation: .relu), table.outputLayer], inputs: 64, loss: table.loss,
      optimizer: .adam(learningRate: 0.005), seed: 1)
    let history = try model.fit(data, epochs: 6, validationSplit: 0.2)
    #expect(try #require(history.epochs.last?.validation?.accuracy) > 0.9)
  }

  @Test func diabetesIsARegression() throws {
    let table = try TabularData.read(path: example("diabetes"), target: "progression")
    #expect(table.task == .regression)
    let data = try table.standardized().data
    let model = try Sequential(
      [Dense(1)], inputs: 10, loss: table.loss, optimizer: .sgd(learningRate: 0.02), seed: 1)
    let history = try model.fit(data, epochs: 20)
    // Least squares reaches 2860; predicting the mean costs 5930.
    #expect(try #require(history.epochs.last).training.loss < 3_100)
  }

  @Test(arguments: [(Example.linearRegression, 40), (.binaryClassifier, 12), (.article, 160)])
  func theArticleRuns(_ example: Example, _ batches: Int) throws {
    let description = example.description
    let model = try description.makeModel()
    let keeper = GradientKeeper()
    let history = try description.fit(
      model, on: try #require(description.data), callbacks: [keeper])
    #expect(keeper.batches.count == batches)
    #expect(history.epochs.allSatisfy { $0.training.loss.isFinite })
    let losses = history.epochs.map(\.training.loss)
    #expect(try #require(losses.last) < losses[0])
  }
}
