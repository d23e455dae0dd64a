/// The three programs of the article that gradlog comes from, as models with their data.
///
/// Everything random follows from one seed, so that each run of an example is the same.
public enum Example: String, Sendable, CaseIterable {
  /// y = x₁ + x₂ on four rows: `Dense(1)`, Adam, mean squared error, batch 1, 10 epochs.
  case linearRegression = "linear-regression"
  /// 10-16-8-1 with relu and sigmoid on 100 random rows, Adam, binary crossentropy, batch 32, 3 epochs.
  case binaryClassifier = "binary-classifier"
  /// The same network on 1000 random rows, 5 epochs.
  case article

  private static let seed: UInt64 = 7

  /// The model and how to train it; its `data` are present.
  public var description: ModelDescription {
    switch self {
    case .linearRegression:
      ModelDescription(
        name: rawValue, layers: [Dense(1)], loss: .meanSquaredError, batchSize: 1, epochs: 10,
        seed: Self.seed, data: data)
    case .binaryClassifier, .article:
      ModelDescription(
        name: rawValue,
        layers: [
          Dense(16, activation: .relu), Dense(8, activation: .relu), Dense(1, activation: .sigmoid),
        ],
        loss: .binaryCrossentropy, epochs: self == .article ? 5 : 3, seed: Self.seed, data: data)
    }
  }

  /// The rows to train on: for the classifiers, features uniform in [0, 1) and labels 0 or 1 at random.
  public var data: TrainingData {
    switch self {
    case .linearRegression:
      TrainingData(
        unchecked: Matrix(unchecked: [1, 2, 3, 4, 5, 6, 7, 8], rows: 4, columns: 2),
        Matrix(unchecked: [3, 7, 11, 15], rows: 4, columns: 1))
    case .binaryClassifier: Self.randomRows(100)
    case .article: Self.randomRows(1000)
    }
  }

  private static func randomRows(_ rows: Int) -> TrainingData {
    // A stream apart from those of the weights and the shuffling, which count up from 0.
    var source = RandomSource(seed: seed, stream: .max)
    let features = (0..<rows * 10).map { _ in Float(source.uniform()) }
    let labels = (0..<rows).map { _ in Float(source.index(below: 2)) }
    return TrainingData(
      unchecked: Matrix(unchecked: features, rows: rows, columns: 10),
      Matrix(unchecked: labels, rows: rows, columns: 1))
  }
}
