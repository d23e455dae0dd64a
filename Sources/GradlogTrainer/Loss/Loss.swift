/// What training minimises, with Keras 3's name and definition: the mean over the rows of a batch.
///
/// Below, y is the target and p the output of the model, U the number of units. Source: Keras 3,
/// `keras/src/losses/losses.py` and `keras/src/backend/tensorflow/nn.py`.
public enum Loss: String, Sendable, CaseIterable {
  /// Σ(y − p)² ÷ U. Targets are [rows, units].
  case meanSquaredError = "mean_squared_error"
  /// Σ│y − p│ ÷ U. Targets are [rows, units].
  case meanAbsoluteError = "mean_absolute_error"
  /// −Σ(y·ln p + (1 − y)·ln(1 − p)) ÷ U. Targets are [rows, units], between 0 and 1.
  case binaryCrossentropy = "binary_crossentropy"
  /// −Σ y·ln(p ÷ Σp). Targets are [rows, units], one-hot or probabilities.
  case categoricalCrossentropy = "categorical_crossentropy"
  /// −ln p[y]. Targets are [rows, 1], the number of the class.
  case sparseCategoricalCrossentropy = "sparse_categorical_crossentropy"

  /// Keras's short names.
  static let aliases: [String: Loss] = [
    "mse": .meanSquaredError, "MSE": .meanSquaredError,
    "mae": .meanAbsoluteError, "MAE": .meanAbsoluteError,
    "bce": .binaryCrossentropy, "BCE": .binaryCrossentropy,
  ]

  /// Keras's name.
  public var name: String { rawValue }

  /// Finds a loss by Keras's name or short name (`mse`, `mae`, `bce`); nil when there is none.
  public init?(name: String) {
    guard let found = Loss(rawValue: name) ?? Self.aliases[name] else { return nil }
    self = found
  }

  /// Whether the outputs are probabilities of classes, for which accuracy means something.
  public var isCrossentropy: Bool {
    switch self {
    case .meanSquaredError, .meanAbsoluteError: false
    case .binaryCrossentropy, .categoricalCrossentropy, .sparseCategoricalCrossentropy: true
    }
  }
}

/// The outputs of one batch and their targets.
struct LossInput {
  /// The last layer before its activation, [rows, units].
  let z: UnsafePointer<Float>
  /// The last layer after its activation, [rows, units].
  let a: UnsafePointer<Float>
  /// The targets: [rows, units], or [rows, 1] for class numbers.
  let y: UnsafePointer<Float>
  let rows: Int
  let units: Int

  /// The number of values in `z` and in `a`.
  var count: Int { rows * units }
}

extension Loss {
  /// Whether the loss is computed from the last layer's `z` instead of its `a`.
  ///
  /// Keras keeps the logits beside the output of sigmoid and of softmax, and every crossentropy prefers
  /// them, even when the two do not match: binary_crossentropy after softmax applies the logistic
  /// function to the logits of the softmax.
  func usesLogits(of activation: Activation) -> Bool {
    isCrossentropy && (activation == .sigmoid || activation == .softmax)
  }

  /// Computes the loss of a batch and its gradient.
  ///
  /// - Parameters:
  ///   - input: outputs and targets.
  ///   - usesLogits: from ``usesLogits(of:)``.
  ///   - delta: receives d(loss)/dz where `usesLogits`, otherwise d(loss)/da; [rows, units].
  /// - Returns: the mean over the rows.
  func evaluate(
    _ input: LossInput, usesLogits: Bool, delta: UnsafeMutablePointer<Float>
  ) -> Float {
    switch (self, usesLogits) {
    case (.meanSquaredError, _): squaredErrors(input, delta)
    case (.meanAbsoluteError, _): absoluteErrors(input, delta)
    case (.binaryCrossentropy, true): binaryFromLogits(input, delta)
    case (.binaryCrossentropy, false): binaryFromProbabilities(input, delta)
    case (.categoricalCrossentropy, true): categoricalFromLogits(input, delta)
    case (.categoricalCrossentropy, false): categoricalFromProbabilities(input, delta)
    case (.sparseCategoricalCrossentropy, true): sparseFromLogits(input, delta)
    case (.sparseCategoricalCrossentropy, false): sparseFromProbabilities(input, delta)
    }
  }
}

private func squaredErrors(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 2 / Float(input.count)
  var sum = 0.0
  for i in 0..<input.count {
    let difference = input.a[i] - input.y[i]
    sum += Double(difference * difference)
    delta[i] = difference * scale
  }
  return Float(sum / Double(input.count))
}

private func absoluteErrors(_ input: LossInput, _ delta: UnsafeMutablePointer<Float>) -> Float {
  let scale = 1 / Float(input.count)
  var sum = 0.0
  for i in 0..<input.count {
    let difference = input.a[i] - input.y[i]
    sum += Double(abs(difference))
    // The sign of 0 is 0, and that of NaN is NaN.
    delta[i] = difference > 0 ? scale : difference < 0 ? -scale : difference
  }
  return Float(sum / Double(input.count))
}
