/// For which gradients the cosine is that with the gradient before in the file: all, until batches are lost that the next
/// ones were compared with.
struct KnownCosines {
  private var hasLost = false
  private var optimizer = ""
  /// For each optimizer, the weights that had a gradient since.
  private var weights: [String: Set<Int>] = [:]

  /// To be called when batches are lost.
  mutating func forget() {
    hasLost = true
    weights.removeAll()
  }

  /// To be called before the gradients of a batch.
  mutating func begin(optimizer: String) {
    self.optimizer = optimizer
  }

  /// Whether the next gradient of the weight at an index has a known cosine; from then on it has.
  mutating func isKnown(ofWeight index: Int) -> Bool {
    hasLost ? !weights[optimizer, default: []].insert(index).inserted : true
  }
}
