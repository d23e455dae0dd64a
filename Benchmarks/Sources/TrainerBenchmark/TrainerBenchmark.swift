import Foundation
import GradlogTrainer

/// How many batches a second the trainer runs without recording: the digits classifier, 64-128-64-10,
/// batch 32, Adam, on as many random rows as digits.csv has.
@main
enum TrainerBenchmark {
  private static let rows = 1_797
  private static let epochs = 20
  private static let runs = 9

  static func main() throws {
    var source = RandomSource(seed: 1)
    let data = try TrainingData(
      x: Matrix(
        rows: rows, columns: 64, values: (0..<rows * 64).map { _ in Float(source.uniform()) }),
      y: Matrix(rows: rows, columns: 1, values: (0..<rows).map { Float($0 % 10) }))
    let model = try Sequential(
      [
        Dense(128, activation: .relu), Dense(64, activation: .relu),
        Dense(10, activation: .softmax),
      ],
      inputs: 64, loss: .sparseCategoricalCrossentropy, optimizer: .adam())

    try model.fit(data)
    var rates: [Double] = []
    for _ in 0..<runs {
      let before = model.step
      let duration = try ContinuousClock().measure { _ = try model.fit(data, epochs: epochs) }
      rates.append(Double(model.step - before) / (duration / .seconds(1)))
    }
    rates.sort()
    let median = Int(rates[runs / 2].rounded())
    print(
      "digits classifier, no recording: \(median) batches/s (median of \(runs) runs,",
      terminator: " ")
    print("\(Int(rates[0].rounded())) to \(Int(rates[runs - 1].rounded())))")
  }
}
