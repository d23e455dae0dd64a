/// The share of rows whose class was predicted, chosen as Keras chooses for the metric "accuracy".
///
/// Source: Keras 3, `keras/src/trainers/compile_utils.py`: the shapes decide, not the loss.
enum Accuracy {
  /// One unit: the output above 0.5 means 1.
  case binary
  /// One-hot targets: the largest output is where the largest target is.
  case categorical
  /// Class numbers: the largest output is at the target.
  case sparseCategorical

  /// Chooses by the number of units and of target columns.
  init(units: Int, targetColumns: Int) {
    self = units == 1 ? .binary : targetColumns == 1 ? .sparseCategorical : .categorical
  }

  /// The number of rows predicted rightly.
  func correctRows(_ input: LossInput) -> Int {
    var correct = 0
    for row in 0..<input.rows {
      let output = input.a + row * input.units
      switch self {
      case .binary: correct += (output[0] > 0.5 ? 1 : 0) == input.y[row] ? 1 : 0
      case .categorical:
        let target = indexOfLargest(input.y + row * input.units, count: input.units)
        correct += indexOfLargest(output, count: input.units) == target ? 1 : 0
      case .sparseCategorical:
        correct += Float(indexOfLargest(output, count: input.units)) == input.y[row] ? 1 : 0
      }
    }
    return correct
  }
}

/// The first position of the largest value, as numpy's argmax.
private func indexOfLargest(_ values: UnsafePointer<Float>, count: Int) -> Int {
  var largest = 0
  for i in 0..<count where values[i] > values[largest] { largest = i }
  return largest
}
