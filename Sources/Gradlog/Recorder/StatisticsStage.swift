/// The middle of the ``SlabQueue``: has one slab judged while the writer writes the one before, on a thread of its own.
enum StatisticsStage {
  /// Has slabs judged until `queue` is closed.
  static func run(on queue: SlabQueue, _ judge: Judge) {
    while let slab = queue.takeToMeasure() {
      judge.judge(slab) { queue.passOn(slab) }
    }
  }
}
