/// Means over some rows.
public struct Metrics: Sendable, Equatable {
  /// The mean loss.
  public let loss: Double
  /// The share of rows whose class was predicted, 0 to 1; nil when it is not computed.
  public let accuracy: Double?
}

/// What `fit` reports of each epoch, as Keras's `History`.
public struct History: Sendable, Equatable {
  /// One epoch.
  public struct Epoch: Sendable, Equatable {
    /// Zero-based.
    public let epoch: Int
    /// Over the rows that were trained on.
    public let training: Metrics
    /// Over the validation rows; nil without validation.
    public let validation: Metrics?
  }

  /// In the order of training.
  public internal(set) var epochs: [Epoch] = []
}

/// Sums losses and hits over batches of different sizes.
struct MetricSums {
  private var rows = 0
  private var loss = 0.0
  private var correctRows: Int?

  /// Starts at zero; accuracy is counted where `countsAccuracy`.
  init(countsAccuracy: Bool) {
    correctRows = countsAccuracy ? 0 : nil
  }

  /// Adds a batch with its mean loss.
  mutating func add(rows: Int, loss: Float, correctRows: Int) {
    self.rows += rows
    self.loss += Double(loss) * Double(rows)
    self.correctRows? += correctRows
  }

  /// The means over all rows added; at least one row has been.
  var metrics: Metrics {
    Metrics(
      loss: loss / Double(rows), accuracy: correctRows.map { Double($0) / Double(rows) })
  }
}
