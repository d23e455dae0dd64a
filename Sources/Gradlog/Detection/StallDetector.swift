internal import Glibc

/// The part of ``Rule/stagnation`` that needs no beginning: the gradients of different batches agree with each other, so
/// there is a slope to go down, and yet nothing moves, neither their size nor the loss. The steps are too small.
struct StallDetector: Sendable {
  private var sizes = RollingMedian(of: length)
  private var cosines = RollingMedian(of: length)
  private var losses = RollingMedian(of: length)
  private var count = 0
  private var blockStart: BatchPlace?
  /// The last blocks of batches, oldest first.
  private var blocks: [Block] = []

  private struct Block {
    let start: BatchPlace
    /// Median ln ‖g‖.
    let size: Double
    let cosine: Double
    /// NaN when unknown.
    let loss: Double
  }

  private static let length = 32
  private static let blockCount = 3

  mutating func observe(
    _ network: NetworkBatch, _ trend: Trend, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    guard network.norm > 0, network.cosine.isFinite else { return }
    if blockStart == nil { blockStart = network.place }
    sizes.add(Glibc.log(network.norm))
    cosines.add(network.cosine)
    if trend.isTelling, let loss = network.batch.loss, loss.isFinite { losses.add(loss) }
    count += 1
    guard count.isMultiple(of: Self.length), let start = blockStart else { return }
    blocks.append(
      Block(start: start, size: sizes.median, cosine: cosines.median, loss: losses.median))
    blockStart = nil
    guard blocks.count > Self.blockCount else { return }
    blocks.removeFirst()
    judge(network, thresholds, &log)
  }

  private func judge(
    _ network: NetworkBatch, _ thresholds: Thresholds, _ log: inout FindingLog
  ) {
    let first = blocks[0]
    let last = blocks[Self.blockCount - 1]
    let sizes = blocks.map(\.size)
    // Gradients that are clipped to one length are equally long whatever happens.
    guard let smallest = sizes.min(), let largest = sizes.max(), largest - smallest > 1e-4,
      blocks.allSatisfy({ $0.cosine >= thresholds.stallCosine })
    else { return log.end(.stagnation, showing: .stall) }
    let bound = last.loss.isNaN ? thresholds.stallSizeAlone : thresholds.stallSize
    guard largest - smallest < bound,
      last.loss.isNaN || first.loss - last.loss < thresholds.stallFall * abs(first.loss)
    else { return log.end(.stagnation, showing: .stall) }
    log.note(
      Hit(
        rule: .stagnation, severity: .critical, since: first.start,
        value: largest - smallest, threshold: bound, symptom: .stall, isRevised: true),
      at: network.place)
  }
}
