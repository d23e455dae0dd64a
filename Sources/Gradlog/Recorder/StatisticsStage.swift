/// The middle of the ``SlabQueue``: computes the statistics of one slab while the writer writes the one
/// before, on a thread of its own.
enum StatisticsStage {
  /// Measures slabs until `queue` is closed.
  static func run(on queue: SlabQueue) {
    var pass = StatisticsPass()
    while let slab = queue.takeToMeasure() {
      slab.measure(with: &pass)
      queue.passOn(slab)
    }
  }
}
