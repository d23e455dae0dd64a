/// Every detector, fed with one batch after another of one run: by the recorder while the training runs, or
/// from a file. The same batches give the same findings.
package struct Detectors: Sendable {
  private let thresholds: Thresholds
  private var networks: [NetworkDetectors] = []
  private var log = FindingLog()
  /// The findings that began, or became worse than they had ever been, in the batch that was observed last.
  package private(set) var begun: [Finding] = []
  /// In the order of their indices.
  package private(set) var weights: [ObservedWeight] = []

  package init(thresholds: Thresholds = Thresholds()) {
    self.thresholds = thresholds
  }

  /// Tells of a weight, and returns the index under which its gradients are to be handed over. One of which no gradient
  /// was seen yet has no dtype.
  package mutating func register(_ weight: ObservedWeight) -> Int {
    weights.append(weight)
    return weights.count - 1
  }

  /// Learns what a batch tells of a weight: whether it is frozen, and with its first gradient dtype and shape, which nobody
  /// knows before.
  package mutating func update(_ weight: ObservedWeight, at index: Int, isAbsent: Bool) {
    if weights[index].dtype == nil, !isAbsent { weights[index] = weight }
    weights[index].isFrozen = weight.isFrozen
  }

  /// The findings so far.
  package var findings: [Finding] { log.findings }

  /// The findings that changed since the last call.
  package mutating func takeChanged() -> [Finding] { log.takeChanged() }

  /// To be called when a recorder goes on with detectors that were fed from a file: what they found then is news
  /// again as soon as a batch shows it.
  package mutating func goOn() {
    begun = []
    log.tellAgain()
  }

  /// Takes a batch and its gradients, each of a registered weight, in the order of their positions.
  package mutating func observe(_ batch: ObservedBatch, _ gradients: [ObservedGradient]) {
    while networks.count <= batch.optimizer { networks.append(NetworkDetectors()) }
    log.optimizer = batch.optimizer
    networks[batch.optimizer].observe(
      batch, gradients, weights, isGame: networks.count > 1, thresholds, &log)
    begun = log.takeNews()
  }
}
