/// The weights of a run, each under an index, and what a gradient of each has to look like. The file need not hold
/// them yet.
struct KnownWeights {
  private struct Weight {
    let name: String
    /// nil as long as only absent gradients were seen.
    var dtype: DType?
    var shape: [Int] = []
    /// Whether the training holds it fixed, as last told.
    var isFrozen = false
    /// nil when not told.
    var initialNorm: Double?
    /// Whether that is so for good: since its first batch.
    var hasBegun = false
    /// The last batch that had a gradient of it; 0 for none.
    var lastBatch = 0
  }

  private var weights: [Weight] = []
  private var indices: [String: Int] = [:]
  /// Of weights to come.
  private var initialNorms: [String: Double] = [:]
  /// Where the next gradient is looked for first: batches name their weights in the same order.
  private var expected = 0
  private var batch = 0

  /// The weights that the file holds of the run, in the order of their positions.
  init(_ stored: [StoredWeight]) {
    for weight in stored {
      append(
        Weight(
          name: weight.name, dtype: weight.dtype, shape: weight.shape, isFrozen: weight.isFrozen,
          initialNorm: InitialNorms.checked(weight.initialNorm), hasBegun: true))
    }
  }

  /// To be called when nothing is left of the run: what is told now is how its weights begin.
  mutating func beginAnew() {
    for index in weights.indices {
      (weights[index].initialNorm, weights[index].hasBegun) = (nil, false)
    }
  }

  /// The name of the weight at an index.
  func name(at index: Int) -> String { weights[index].name }

  /// The weight at an index as the detectors see it.
  func observed(at index: Int) -> ObservedWeight {
    let weight = weights[index]
    return ObservedWeight(
      position: index, shape: weight.shape, dtype: weight.dtype, isFrozen: weight.isFrozen,
      initialNorm: weight.initialNorm)
  }

  /// Euclidean norm of the values with which the weight at an index began; nil when not told.
  func initialNorm(at index: Int) -> Double? { weights[index].initialNorm }

  /// Whether the training holds the weight at an index fixed, as last told.
  func isFrozen(at index: Int) -> Bool { weights[index].isFrozen }

  /// To be called before the gradients of a batch.
  ///
  /// - Parameter initialNorms: what the training told since the batch before.
  mutating func beginBatch(_ initialNorms: [String: Double]) {
    batch += 1
    if !initialNorms.isEmpty { self.initialNorms.merge(initialNorms) { $1 } }
  }

  /// The index of the weight that a gradient of the batch belongs to.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` when the gradient has another dtype or
  ///   shape than the run has of this weight, or the batch had a gradient of it already.
  mutating func index(of gradient: PendingGradient) throws(GradlogError) -> Int {
    let index = index(of: gradient.weight)
    guard weights[index].lastBatch != batch else {
      throw GradlogError(
        .invalidTensor, "a batch has two gradients of \"\(gradient.weight)\"",
        remedy: "give each weight a name of its own, and record it once in a batch")
    }
    weights[index].lastBatch = batch
    if !weights[index].hasBegun {
      weights[index].initialNorm = initialNorms[gradient.weight]
      weights[index].hasBegun = true
    }
    if let tensor = gradient.tensor { try take(tensor, at: index) }
    weights[index].isFrozen = gradient.isFrozen
    return index
  }

  private mutating func take(
    _ tensor: (dtype: DType, shape: [Int], elementCount: Int), at index: Int
  ) throws(GradlogError) {
    guard weights[index].dtype != tensor.dtype || weights[index].shape != tensor.shape else {
      return
    }
    let weight = weights[index]
    guard let dtype = weight.dtype else {
      weights[index].dtype = tensor.dtype
      weights[index].shape = tensor.shape
      return
    }
    throw GradlogError(
      .invalidTensor,
      "the gradient of \"\(weight.name)\" is \(tensor.dtype.rawValue) \(tensor.shape), "
        + "but the run has it as \(dtype.rawValue) \(weight.shape)",
      remedy: "record a changed model under another run name")
  }

  private mutating func index(of name: String) -> Int {
    if expected >= weights.count { expected = 0 }
    if expected < weights.count, weights[expected].name == name {
      expected += 1
      return expected - 1
    }
    if let index = indices[name] {
      expected = index + 1
      return index
    }
    append(Weight(name: name))
    return weights.count - 1
  }

  private mutating func append(_ weight: Weight) {
    indices[weight.name] = weights.count
    weights.append(weight)
  }
}
