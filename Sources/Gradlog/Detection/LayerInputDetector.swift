/// The part of ``Rule/exploding`` that looks at what the last layer was given in the first batches: activations that grew
/// on their way through the network, or data that nobody scaled.
///
/// The gradient of a dense layer's kernel is Σ δxᵀ over the examples, and that of its bias Σ δ. So ‖dW‖ ÷ (‖db‖ √inputs) is
/// about the root mean square of x, however the loss is scaled: large targets, and losses that are sums, make both
/// gradients large.
struct LayerInputDetector: Sendable {
  /// Kernels with a bias behind them, from the input on.
  private var layers: [Layer] = []
  private var batchCount = 0
  /// The first layer whose inputs were too large, and how large those of the last one were.
  private var found: (kernel: Int, size: Double)?

  private struct Layer {
    let kernel: Int
    let inputCount: Int
    /// The least so far of the inputs' size and of the norm of the bias's gradient: where that happens to cancel out, the
    /// size is overrated.
    var size = Double.infinity
    var bias = Double.infinity
  }

  /// Batches that tell of the network as it was initialized.
  private static let firstBatches = 4

  mutating func observe(
    _ network: NetworkBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    if batchCount < Self.firstBatches, network.nonFiniteCount == 0 {
      measure(gradients, weights)
      batchCount += 1
      if batchCount == Self.firstBatches { found = tooLarge(thresholds) }
    }
    guard let found else { return }
    // The loss began as many times too high, so that it has further to come down.
    let share = 1 - (1 - thresholds.learnedShare) / found.size
    if trend.hasLearned(share), !network.isGuessing(trend.loss, thresholds) {
      return log.end(.exploding, weight: found.kernel, showing: .largeInputs)
    }
    log.note(
      Hit(
        rule: .exploding, severity: .critical, weight: found.kernel, since: network.start,
        value: found.size, threshold: thresholds.explodingInputs, symptom: .largeInputs),
      at: network.place)
  }

  private mutating func measure(_ gradients: [ObservedGradient], _ weights: [ObservedWeight]) {
    for (gradient, next) in zip(gradients, gradients.dropFirst()) {
      let kernel = weights[gradient.weight]
      let bias = weights[next.weight]
      guard kernel.isKernel, bias.rank == 1, bias.elementCount > 0,
        bias.elementCount == kernel.rows || bias.elementCount == kernel.columns,
        gradient.norm > 0, next.norm > 0
      else { continue }
      let inputCount = kernel.elementCount / bias.elementCount
      let index =
        layers.firstIndex { $0.kernel == gradient.weight }
        ?? {
          layers.append(Layer(kernel: gradient.weight, inputCount: inputCount))
          return layers.endIndex - 1
        }()
      let size = gradient.norm / next.norm / Double(inputCount).squareRoot()
      layers[index].size = min(layers[index].size, size)
      layers[index].bias = min(layers[index].bias, next.norm)
    }
  }

  private func tooLarge(_ thresholds: Thresholds) -> (kernel: Int, size: Double)? {
    guard let last = layers.last, last.size >= thresholds.explodingInputs,
      last.bias >= thresholds.explodingInputsBias, last.size.isFinite,
      let first = layers.first(where: { $0.size >= thresholds.explodingInputs })
    else { return nil }
    return (first.kernel, last.size)
  }
}
