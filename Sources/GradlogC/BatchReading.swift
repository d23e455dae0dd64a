internal import CGradlog
internal import Gradlog

extension BatchContext {
  /// The context that a C caller passed.
  init(_ pointer: UnsafePointer<gradlog_batch_context>?) throws(GradlogError) {
    let given = try gradlog_batch_context(from: given(pointer, "the batch context"))
    let has = Int32(bitPattern: given.has)
    func value<Value>(_ flag: Int32, _ value: Value) -> Value? { has & flag != 0 ? value : nil }
    self.init(
      epoch: Int(given.epoch), batch: Int(given.batch),
      step: value(GRADLOG_HAS_STEP, Int(given.step)),
      optimizer: given.optimizer == nil ? "" : try text(given.optimizer, "optimizer"),
      call: Int(given.call), loss: value(GRADLOG_HAS_LOSS, given.loss),
      learningRate: value(GRADLOG_HAS_LEARNING_RATE, given.learning_rate),
      lossScale: value(GRADLOG_HAS_LOSS_SCALE, given.loss_scale))
  }
}

extension GradientBatch {
  /// Adds a gradient that a C caller passed. One that cannot be taken makes the batch fail.
  mutating func add(_ gradient: gradlog_gradient) {
    let weight: String
    do {
      weight = try text(gradient.weight, "the name of a weight")
    } catch {
      return fail(nil, error)
    }
    do throws(GradlogError) {
      guard gradient.dtype != GRADLOG_ABSENT, gradient.dtype != GRADLOG_FROZEN else {
        return addAbsent(weight, isFrozen: gradient.dtype == GRADLOG_FROZEN)
      }
      let dtype = try DType(gradient)
      let shape = try extents(gradient)
      if let indices = gradient.indices {
        guard gradient.strides == nil, gradient.index_count >= 0 else {
          throw GradlogError(
            .invalidTensor, "\(gradient.index_count) rows cannot be read",
            remedy: "pass contiguous rows, without strides, and their number")
        }
        try add(
          weight,
          RowSparseTensor(
            dtype: dtype, shape: shape,
            indices: UnsafeBufferPointer(start: indices, count: Int(gradient.index_count)),
            rows: gradient.data))
      } else if let strides = gradient.strides, !isContiguous(shape, strides, dtype) {
        try add(
          weight,
          StridedTensor(
            dtype: dtype, shape: shape, strides: shape.indices.map { Int(strides[$0]) },
            origin: gradient.data))
      } else {
        try add(weight, contiguous(gradient, dtype, shape))
      }
    } catch {
      fail(weight, error)
    }
  }
}

extension DType {
  fileprivate init(_ gradient: gradlog_gradient) throws(GradlogError) {
    switch gradient.dtype {
    case GRADLOG_FLOAT16: self = .float16
    case GRADLOG_BFLOAT16: self = .bfloat16
    case GRADLOG_FLOAT32: self = .float32
    case GRADLOG_FLOAT64: self = .float64
    default:
      throw GradlogError(
        .invalidTensor, "dtype \(gradient.dtype) is not a type that gradients have",
        remedy: "pass GRADLOG_FLOAT16, GRADLOG_BFLOAT16, GRADLOG_FLOAT32 or GRADLOG_FLOAT64")
    }
  }
}

private func extents(_ gradient: gradlog_gradient) throws(GradlogError) -> [Int] {
  guard gradient.rank != 0 else { return [] }
  guard (1...64).contains(gradient.rank) else {
    throw GradlogError(
      .invalidTensor, "a tensor of \(gradient.rank) dimensions", remedy: "pass 0 to 64")
  }
  let shape = try given(gradient.shape, "the shape")
  return (0..<Int(gradient.rank)).map { Int(shape[$0]) }
}

/// Whether bytes and strides say the same as no strides.
private func isContiguous(_ shape: [Int], _ strides: UnsafePointer<Int64>, _ dtype: DType) -> Bool {
  var expected = dtype.byteWidth
  for dimension in shape.indices.reversed() where shape[dimension] != 1 {
    if Int(strides[dimension]) != expected { return false }
    expected &*= shape[dimension]
  }
  return true
}

private func contiguous(
  _ gradient: gradlog_gradient, _ dtype: DType, _ shape: [Int]
) throws(GradlogError) -> TensorView {
  let count = try TensorView.elementCount(of: shape)
  guard gradient.data != nil || count == 0 else {
    throw GradlogError(
      .invalidTensor, "a tensor of shape \(shape) has no data",
      remedy: "pass the address of its first element")
  }
  let (byteCount, overflow) = count.multipliedReportingOverflow(by: dtype.byteWidth)
  return try TensorView(
    dtype: dtype, shape: shape,
    bytes: UnsafeRawBufferPointer(start: gradient.data, count: overflow ? 0 : byteCount))
}
