/// The detectors of the weights of one optimizer: the gradients of two optimizers have no history in common.
struct NetworkDetectors: Sendable {
  private var trend = Trend()
  private var index = 0
  private var norm = Double.nan
  private var firstNorm = Double.nan
  private var start: BatchPlace?
  private var rises = WeightRises()
  private var profile = KernelProfile()
  private var nonFinite = NonFiniteDetector()
  private var explosion = ExplosionDetector()
  private var divergence = DivergenceDetector()
  private var layerInputs = LayerInputDetector()
  private var initialization = InitializationDetector()
  private var depthGrowth = DepthGrowthDetector()
  private var vanishing = VanishingDetector()
  private var firstGradients = FirstGradientsDetector()
  private var decay = DecayDetector()
  private var deadUnits = DeadUnitDetector()
  private var stagnation = StagnationDetector()
  private var stall = StallDetector()
  private var oscillation = OscillationDetector()
  private var underflow = UnderflowDetector()
  private var absence = AbsenceDetector()
  private var accumulation = AccumulationDetector()
  private var noiseScale = NoiseScaleGauge()

  mutating func observe(
    _ batch: ObservedBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight],
    isGame: Bool, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    var batch = batch
    batch.place.ordinal = index
    if let loss = batch.loss { trend.add(loss: loss) }
    let network = summary(of: batch, gradients, weights)
    absence.observe(network, gradients, weights, trend, thresholds, &log)
    rises.observe(gradients)
    profile.observe(gradients, weights)
    initialization.observe(network, gradients, weights, profile, trend, thresholds, &log)
    explosion.observe(network, trend, rises, thresholds, &log)
    divergence.observe(
      network, trend, rises, profile, explosion.excursion,
      isOscillating: oscillation.isFruitless, thresholds, &log)
    layerInputs.observe(network, gradients, weights, trend, thresholds, &log)
    depthGrowth.observe(network, profile, trend, thresholds, &log)
    nonFinite.observe(network, gradients, thresholds, &log)
    underflow.observe(network, gradients, weights, trend, thresholds, &log)
    deadUnits.observe(network, gradients, weights, trend, thresholds, &log)
    vanishing.observe(network, profile, trend, thresholds, &log)
    firstGradients.observe(network, profile, trend, thresholds, &log)
    decay.observe(network, profile, trend, thresholds, &log)
    // Two optimizers that work against each other are in balance when no loss falls and gradients turn round.
    if !isGame {
      accumulation.observe(network, trend, thresholds, &log)
      oscillation.observe(network, trend, thresholds, &log)
      stagnation.observe(network, trend, thresholds, &log)
      stall.observe(network, trend, thresholds, &log)
    }
    noiseScale.observe(network, thresholds, &log)
    if trend.hasLearned(thresholds) { log.soften() }
    index += 1
    norm = network.norm
  }

  private mutating func summary(
    of batch: ObservedBatch, _ gradients: [ObservedGradient], _ weights: [ObservedWeight]
  ) -> NetworkBatch {
    var squares = 0.0
    var nonFiniteCount = 0
    for gradient in gradients where !gradient.isAbsent {
      if gradient.norm.isFinite { squares += gradient.norm * gradient.norm }
      nonFiniteCount += gradient.nonFiniteCount
    }
    let norm =
      (.leastNormalMagnitude..<(.infinity)).contains(squares)
      ? squares.squareRoot() : Self.norm(ofExtreme: gradients)
    let start = self.start ?? batch.place
    self.start = start
    if !(firstNorm > 0), nonFiniteCount == 0 { firstNorm = norm }
    return NetworkBatch(
      batch: batch, index: index, norm: norm, previousNorm: self.norm, firstNorm: firstNorm,
      cosine: cosine(gradients, norm), nonFiniteCount: nonFiniteCount,
      outputCount: outputCount(gradients, weights),
      start: start)
  }

  /// The norm where squares are beyond what a Double holds.
  private static func norm(ofExtreme gradients: [ObservedGradient]) -> Double {
    let norms = gradients.lazy.filter { !$0.isAbsent && $0.norm.isFinite }.map(\.norm)
    guard let largest = norms.max(), largest > 0 else { return 0 }
    let ratio = norms.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
    return min(largest * ratio, .greatestFiniteMagnitude)
  }

  /// The cosine for all weights together; needs each weight's norm in the batch before.
  private mutating func cosine(_ gradients: [ObservedGradient], _ norm: Double) -> Double {
    var product = 0.0
    var isKnown = false
    for gradient in gradients where gradient.cosine.isFinite {
      product += gradient.cosine * gradient.norm * rises.previousNorm(of: gradient.weight)
      isKnown = true
    }
    return isKnown && index > 0 ? product / (norm * self.norm) : .nan
  }

  /// The last weight is a bias with an element for each, or a kernel whose smaller extent is probably that.
  private func outputCount(_ gradients: [ObservedGradient], _ weights: [ObservedWeight]) -> Int {
    guard let last = gradients.last.map({ weights[$0.weight] }) else { return 2 }
    return max(2, last.isKernel ? min(last.rows, last.columns) : last.elementCount)
  }
}
