/// A batch whose gradients wait in a slab.
struct PendingBatch {
  let context: BatchContext
  /// Seconds since 1970.
  let recordedAt: Double
  /// Its entries of ``Slab/gradients``.
  let gradients: Range<Int>
  /// Batches that were recorded between the one before and this one, and are lost.
  let lostBefore: Int
  /// What the training told before it of how large weights are at first.
  let initialNorms: [String: Double]
}

/// A gradient that waits in a slab.
struct PendingGradient {
  let weight: String
  /// The index of the weight in ``KnownWeights``, once the batch is judged.
  fileprivate(set) var index = -1
  /// Euclidean norm of the values with which the weight began, once the batch is judged; nil when not told.
  fileprivate(set) var initialNorm: Double?
  /// nil when the gradient is absent.
  let tensor: (dtype: DType, shape: [Int], elementCount: Int)?
  /// The rows that are there of a row-sparse gradient; nil of any other.
  var rowCount: Int?
  /// Whether it is absent because the training holds the weight fixed.
  var isFrozen = false
  let bytes: Location

  /// Where the bytes of a gradient are.
  enum Location {
    /// In the slab, from an offset on.
    case copied(Int)
    /// With the caller, who waits until they are written.
    case borrowed(UnsafeRawPointer?)
    /// Not needed any more: only the statistics are kept, which are in the slab by their index, and the
    /// ``GradientSample``, from an offset on.
    case measured(Int, sample: Int)
  }
}

/// What happens to the bytes of a gradient when it is handed in.
enum Intake {
  case copy
  /// They stay where they are until they are written.
  case borrow
  /// They are measured at once, since nobody wants the values: that is less work than to copy them and to
  /// read the copy.
  case measure
}

/// What was computed of a gradient that waits in a slab.
struct MeasuredGradient {
  var statistics = GradientStatistics()
  /// Where its exponent histogram lies, encoded, in the slab.
  var exponents = (offset: 0, count: 0)
}

/// A piece of memory that holds whole batches on their way to the file: first their bytes, then also
/// their statistics.
///
/// Slabs are used again and again, so that recording allocates nothing once the sizes are known. A
/// slab belongs to one thread at a time: ``SlabQueue`` hands it over.
final class Slab {
  private(set) var batches: [PendingBatch] = []
  private(set) var gradients: [PendingGradient] = []
  private var tensors = GrowingMemory()
  /// One for each of ``batches`` when the slab is judged.
  private(set) var verdicts: [Verdict] = []
  /// The findings that changed in these batches, as they are after the last of them.
  private(set) var changedFindings: [Finding] = []
  /// The labels of the optimizers that these findings name by number.
  private(set) var optimizers: [String] = []
  /// Whether the findings so far are about all that the run holds, and not only what this recorder saw of it.
  private(set) var goesOnWithFindings = false
  /// One for each of ``gradients`` when the slab is measured.
  private var measured: [MeasuredGradient] = []
  private var exponents = GrowingMemory()
  /// The gradients that were measured when they were handed in.
  private var measuredAtOnce: [MeasuredGradient] = []
  /// For these; nil as long as there are none.
  private var pass: StatisticsPass?
  private var sample: GradientSample?

  /// Where the batch that is being assembled begins.
  private var openBatch = Place()

  /// How much of everything there is.
  private struct Place {
    var gradients = 0
    var tensors = 0
    var exponents = 0
    var measuredAtOnce = 0
  }

  /// Below this many bytes a copy is cheaper for the training than statistics are.
  private static let smallest = 64 << 10

  /// What ``SlabQueue`` knows of the slab.
  var account = SlabAccount()

  /// Bytes that the tensors of its batches take.
  var used: Int { tensors.used }

  /// About the bytes that its batches take in the file.
  var written: Int { tensors.used + gradients.count * 200 }

  /// Bytes that tensors may take before the slab grows.
  var capacity: Int { tensors.capacity }

  /// All bytes that it takes.
  var footprint: Int {
    let measurement = MemoryLayout<MeasuredGradient>.stride
    let entry = MemoryLayout<PendingGradient>.stride + measurement
    return tensors.capacity + exponents.capacity + gradients.capacity * entry
      + measuredAtOnce.capacity * measurement
      + changedFindings.capacity * MemoryLayout<Finding>.stride
  }

  /// Makes room for `byteCount` more bytes of tensors.
  func reserve(_ byteCount: Int) {
    tensors.reserve(byteCount)
  }

  /// Adds a gradient to the end of the batch that is being assembled.
  func append(_ tensor: TensorView, of weight: String, _ intake: Intake) {
    let bytes: PendingGradient.Location =
      switch intake {
      case .measure where tensor.bytes.count >= Self.smallest: measureAtOnce(tensor)
      case .copy, .measure: .copied(tensors.append(tensor.bytes))
      case .borrow: .borrowed(tensor.bytes.baseAddress)
      }
    gradients.append(
      PendingGradient(
        weight: weight, tensor: (tensor.dtype, tensor.shape, tensor.elementCount), bytes: bytes))
  }

  private func measureAtOnce(_ tensor: TensorView) -> PendingGradient.Location {
    var pass = self.pass.take() ?? StatisticsPass()
    measuredAtOnce.append(measure(.whole(tensor), with: &pass))
    self.pass = consume pass
    let sample = self.sample.take() ?? GradientSample()
    let block = sample.take(from: tensor)
    let offset = tensors.append(UnsafeRawBufferPointer(start: block.start, count: 4 * block.count))
    self.sample = consume sample
    return .measured(measuredAtOnce.count - 1, sample: offset)
  }

  /// Copies a gradient that is not contiguous to the end of the batch that is being assembled.
  func append(_ tensor: StridedTensor, of weight: String) {
    let offset = tensors.append(upTo: tensor.byteCount) { room in
      tensor.copy(to: room)
      return tensor.byteCount
    }
    gradients.append(
      PendingGradient(
        weight: weight, tensor: (tensor.dtype, tensor.shape, tensor.elementCount),
        bytes: .copied(offset)))
  }

  /// Copies the rows of a gradient to the end of the batch that is being assembled.
  func append(_ tensor: RowSparseTensor, of weight: String) {
    var count = 0
    let offset = tensors.append(upTo: tensor.largestByteCount) { room in
      count = tensor.store(at: room)
      return tensor.byteCount(of: count)
    }
    gradients.append(
      PendingGradient(
        weight: weight, tensor: (tensor.dtype, tensor.shape, tensor.elementCount),
        rowCount: count, bytes: .copied(offset)))
  }

  /// Notes that a weight has no gradient in the batch that is being assembled.
  func appendAbsent(_ weight: String, isFrozen: Bool) {
    gradients.append(
      PendingGradient(weight: weight, tensor: nil, isFrozen: isFrozen, bytes: .borrowed(nil)))
  }

  /// Completes the batch that is being assembled and returns the bytes that it takes.
  func finishBatch(
    _ context: BatchContext, recordedAt: Double, lostBefore: Int,
    initialNorms: [String: Double] = [:]
  ) -> Int {
    let byteCount = used - openBatch.tensors
    batches.append(
      PendingBatch(
        context: context, recordedAt: recordedAt,
        gradients: openBatch.gradients..<gradients.count, lostBefore: lostBefore,
        initialNorms: initialNorms))
    openBatch = Place(
      gradients: gradients.count, tensors: used, exponents: exponents.used,
      measuredAtOnce: measuredAtOnce.count)
    return byteCount
  }

  /// Forgets the batch that is being assembled.
  func discardBatch() {
    gradients.removeSubrange(openBatch.gradients...)
    tensors.cut(at: openBatch.tensors)
    exponents.cut(at: openBatch.exponents)
    measuredAtOnce.removeSubrange(openBatch.measuredAtOnce...)
  }

  /// Computes the statistics of every gradient that has none yet.
  func measure(with pass: inout StatisticsPass) {
    measured.reserveCapacity(gradients.count)
    for index in measured.count..<gradients.count {
      if case .measured(let place, _) = gradients[index].bytes {
        measured.append(measuredAtOnce[place])
      } else {
        measured.append(tensor(at: index).map { measure($0, with: &pass) } ?? MeasuredGradient())
      }
    }
    openBatch.exponents = exponents.used
  }

  private func measure(
    _ tensor: RecordedTensor, with pass: inout StatisticsPass
  ) -> MeasuredGradient {
    let statistics = pass.run(over: tensor)
    let blob = pass.exponentsBlob
    return MeasuredGradient(
      statistics: statistics, exponents: (exponents.append(blob), blob.count))
  }

  /// Notes what the judge says of the next batch that it has said nothing of.
  func append(verdict: Verdict) {
    verdicts.append(verdict)
  }

  /// Notes the findings that changed in the batches that were judged now, the labels of all optimizers so far, and
  /// whether the findings go on with what the run held.
  func append(changed findings: [Finding], of optimizers: [String], goingOn: Bool) {
    changedFindings.append(contentsOf: findings)
    self.optimizers = optimizers
    if goingOn { goesOnWithFindings = true }
  }

  /// Notes the index of the weight that a gradient belongs to, and what is known of how that began.
  func setWeight(_ index: Int, initialNorm: Double?, at position: Int) {
    gradients[position].index = index
    gradients[position].initialNorm = initialNorm
  }

  /// Forgets everything and keeps the memory.
  func removeAll() {
    batches.removeAll(keepingCapacity: true)
    verdicts.removeAll(keepingCapacity: true)
    changedFindings.removeAll(keepingCapacity: true)
    optimizers = []
    goesOnWithFindings = false
    gradients.removeAll(keepingCapacity: true)
    measured.removeAll(keepingCapacity: true)
    tensors.cut(at: 0)
    measuredAtOnce.removeAll(keepingCapacity: true)
    exponents.cut(at: 0)
    openBatch = Place()
  }

  /// A gradient of this slab by its index in ``gradients``; nil when it is absent, and when only its
  /// statistics were kept.
  func tensor(at index: Int) -> RecordedTensor? {
    let gradient = gradients[index]
    guard let tensor = gradient.tensor else { return nil }
    let start: UnsafeRawPointer?
    switch gradient.bytes {
    case .copied(let offset): start = tensors.bytes(at: offset, count: 0).baseAddress
    case .borrowed(let place): start = place
    case .measured: return nil
    }
    if let count = gradient.rowCount {
      return .rows(StoredRows(checked: tensor, count: count, at: start))
    }
    let byteCount = tensor.elementCount * tensor.dtype.byteWidth
    return .whole(
      TensorView(checked: tensor, bytes: UnsafeRawBufferPointer(start: start, count: byteCount)))
  }

  /// Completes the statistics of a gradient, or takes back what is not known of the file.
  func setCosine(_ cosine: Double?, at index: Int) {
    measured[index].statistics.cosine = cosine
  }

  /// The ``GradientSample`` of a gradient of which only the statistics were kept; nil of any other.
  func sample(at index: Int) -> TensorView? {
    guard case .measured(_, let offset) = gradients[index].bytes,
      let tensor = gradients[index].tensor
    else { return nil }
    let count = GradientSample.count(of: tensor.elementCount)
    return TensorView(
      checked: (.float32, [count], count), bytes: tensors.bytes(at: offset, count: 4 * count))
  }

  /// The statistics of a gradient by its index in ``gradients``, once the slab is measured.
  func statistics(at index: Int) -> GradientStatistics { measured[index].statistics }

  /// The encoded exponent histogram of a gradient, once the slab is measured.
  func exponentsBlob(at index: Int) -> UnsafeRawBufferPointer {
    let (offset, count) = measured[index].exponents
    return exponents.bytes(at: offset, count: count)
  }
}

/// What ``SlabQueue`` notes of a slab, with its lock held.
struct SlabAccount {
  /// The footprint that is counted against the memory limit.
  var footprint = 0
  /// Given when the first batch is checked in; 0 for none.
  var ticket = 0
  /// When the first batch was checked in, in monotonic seconds.
  var since = 0.0
}
