/// The values of the last few batches, in memory: a ring that is used again and again.
final class RecentValues {
  /// Where the values of one gradient lie, and whose they are.
  private struct Entry {
    let gradientID: Int64
    let batchID: Int64
    let encoding: StoredEncoding
    let range: Range<Int>
  }

  private struct Batch {
    var memory: UnsafeMutableRawPointer?
    var capacity = 0
    var used = 0
    var entries: [Entry] = []
  }

  /// The batch that is being recorded and those before it.
  private var batches: [Batch]
  /// The slot of the batch that is being recorded, and how many slots before it are filled.
  private var current = 0
  private var filled = 0

  /// A ring for this many batches before the one that is being recorded.
  init(batches count: Int) {
    batches = Array(repeating: Batch(), count: count + 1)
  }

  deinit {
    for batch in batches { batch.memory?.deallocate() }
  }

  /// Begins a batch in the slot of the oldest one.
  func beginBatch() {
    batches[current].used = 0
    batches[current].entries.removeAll(keepingCapacity: true)
  }

  /// Copies the values of a gradient of the batch that is being recorded.
  func append(_ values: EncodedValues, gradientID: Int64, batchID: Int64) {
    let start = batches[current].used
    let end = start + values.bytes.count
    if end > batches[current].capacity { grow(to: max(end, 2 * start)) }
    if let memory = batches[current].memory, let source = values.bytes.baseAddress {
      (memory + start).copyMemory(from: source, byteCount: values.bytes.count)
    }
    batches[current].entries.append(
      Entry(
        gradientID: gradientID, batchID: batchID, encoding: values.encoding, range: start..<end))
    batches[current].used = end
  }

  /// Keeps the batch that was recorded and goes on to the next slot.
  func endBatch() {
    current = (current + 1) % batches.count
    filled = min(filled + 1, batches.count - 1)
  }

  /// Calls `body` for each gradient, from the oldest batch to the one that is being recorded.
  func visit(
    _ body: (EncodedValues, _ gradientID: Int64, _ batchID: Int64) throws -> Void
  ) rethrows {
    for age in stride(from: filled, through: 0, by: -1) {
      let batch = batches[(current - age + batches.count) % batches.count]
      for entry in batch.entries {
        let bytes = UnsafeRawBufferPointer(
          start: batch.memory.map { UnsafeRawPointer($0) + entry.range.lowerBound },
          count: entry.range.count)
        try body(
          EncodedValues(bytes: bytes, encoding: entry.encoding), entry.gradientID, entry.batchID)
      }
    }
  }

  /// Forgets every batch and keeps the memory.
  func removeAll() {
    for index in batches.indices {
      batches[index].used = 0
      batches[index].entries.removeAll(keepingCapacity: true)
    }
    filled = 0
  }

  private func grow(to capacity: Int) {
    let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
    if let memory = batches[current].memory {
      grown.copyMemory(from: memory, byteCount: batches[current].used)
      memory.deallocate()
    }
    batches[current].memory = grown
    batches[current].capacity = capacity
  }
}
