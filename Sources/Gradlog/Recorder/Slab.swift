/// A batch whose gradients wait in a slab.
struct PendingBatch {
  let context: BatchContext
  /// Seconds since 1970.
  let recordedAt: Double
  /// Its entries of ``Slab/gradients``.
  let gradients: Range<Int>
  /// Batches that were recorded between the one before and this one, and are lost.
  let lostBefore: Int
}

/// A gradient that waits in a slab.
struct PendingGradient {
  let weight: String
  /// nil when the gradient is absent.
  let tensor: (dtype: DType, shape: [Int], elementCount: Int)?
  /// The rows that are there of a row-sparse gradient; nil of any other.
  var rowCount: Int?
  /// Where its bytes begin in the slab.
  let offset: Int
}

/// A piece of memory that holds the bytes of whole batches on their way to the writer.
///
/// Slabs are used again and again, so that recording allocates nothing once the sizes are known. A
/// slab belongs to one thread at a time: ``SlabQueue`` hands it over.
final class Slab {
  private(set) var batches: [PendingBatch] = []
  private(set) var gradients: [PendingGradient] = []
  private(set) var capacity = 0
  private(set) var used = 0
  private var memory: UnsafeMutableRawPointer?
  /// The capacity that ``SlabQueue`` has counted against its limit.
  var countedCapacity = 0

  /// Where the batch that is being assembled begins.
  private var openBatch = (firstGradient: 0, offset: 0)

  /// Tensors begin at cache lines, so that statistics read whole ones.
  private static let alignment = 64

  deinit {
    memory?.deallocate()
  }

  /// Makes room for `byteCount` more bytes.
  func reserve(_ byteCount: Int) {
    let needed = used + byteCount
    guard needed > capacity else { return }
    let grown = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: Self.alignment)
    if let memory {
      grown.copyMemory(from: memory, byteCount: used)
      memory.deallocate()
    }
    memory = grown
    capacity = needed
  }

  /// Copies a gradient to the end of the batch that is being assembled.
  func append(_ tensor: TensorView, of weight: String) {
    let byteCount = tensor.bytes.count
    let room = room(for: byteCount)
    if let source = tensor.bytes.baseAddress {
      room?.copyMemory(from: source, byteCount: byteCount)
    }
    gradients.append(
      PendingGradient(
        weight: weight, tensor: (tensor.dtype, tensor.shape, tensor.elementCount), offset: used))
    use(byteCount)
  }

  /// Copies a gradient that is not contiguous to the end of the batch that is being assembled.
  func append(_ tensor: StridedTensor, of weight: String) {
    if let room = room(for: tensor.byteCount) { tensor.copy(to: room) }
    gradients.append(
      PendingGradient(
        weight: weight, tensor: (tensor.dtype, tensor.shape, tensor.elementCount), offset: used))
    use(tensor.byteCount)
  }

  /// Copies the rows of a gradient to the end of the batch that is being assembled.
  func append(_ tensor: RowSparseTensor, of weight: String) {
    guard let room = room(for: max(1, tensor.largestByteCount)) else { return }
    let count = tensor.store(at: room)
    gradients.append(
      PendingGradient(
        weight: weight, tensor: (tensor.dtype, tensor.shape, tensor.elementCount),
        rowCount: count, offset: used))
    use(tensor.byteCount(of: count))
  }

  /// Where the next gradient, of so many bytes, goes; nil when nothing was ever reserved for one.
  private func room(for byteCount: Int) -> UnsafeMutableRawPointer? {
    let padded = Self.padded(byteCount)
    if used + padded > capacity { reserve(max(padded, used)) }
    return memory.map { $0 + used }
  }

  private func use(_ byteCount: Int) {
    used += Self.padded(byteCount)
  }

  private static func padded(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) & ~(alignment - 1)
  }

  /// Notes that a weight has no gradient in the batch that is being assembled.
  func appendAbsent(_ weight: String) {
    gradients.append(PendingGradient(weight: weight, tensor: nil, offset: used))
  }

  /// Completes the batch that is being assembled and returns the bytes that it takes.
  func finishBatch(_ context: BatchContext, recordedAt: Double, lostBefore: Int) -> Int {
    let byteCount = used - openBatch.offset
    batches.append(
      PendingBatch(
        context: context, recordedAt: recordedAt,
        gradients: openBatch.firstGradient..<gradients.count, lostBefore: lostBefore))
    openBatch = (gradients.count, used)
    return byteCount
  }

  /// Forgets the batch that is being assembled.
  func discardBatch() {
    gradients.removeSubrange(openBatch.firstGradient...)
    used = openBatch.offset
  }

  /// Forgets everything and keeps the memory.
  func removeAll() {
    batches.removeAll(keepingCapacity: true)
    gradients.removeAll(keepingCapacity: true)
    used = 0
    openBatch = (0, 0)
  }

  /// A gradient of this slab by its index in ``gradients``; nil when it is absent.
  func tensor(at index: Int) -> RecordedTensor? {
    let gradient = gradients[index]
    guard let tensor = gradient.tensor else { return nil }
    let start = memory.map { UnsafeRawPointer($0) + gradient.offset }
    if let count = gradient.rowCount {
      return .rows(StoredRows(checked: tensor, count: count, at: start))
    }
    let byteCount = tensor.elementCount * tensor.dtype.byteWidth
    return .whole(
      TensorView(checked: tensor, bytes: UnsafeRawBufferPointer(start: start, count: byteCount)))
  }
}
