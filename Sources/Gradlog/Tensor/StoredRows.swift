/// The rows of a row-sparse gradient as the encoding `rows` of docs/FileFormat.md lays them out: their
/// indices, ascending, then the rows. What is left out is zero.
package struct StoredRows {
  package let dtype: DType
  /// That of the whole gradient.
  package let shape: [Int]
  /// Elements of the whole gradient.
  package let elementCount: Int
  /// Rows that are there.
  package let count: Int
  /// Indices and rows.
  package let bytes: UnsafeRawBufferPointer

  /// Borrows what ``RowSparseTensor/store(at:)`` wrote.
  init(
    checked tensor: (dtype: DType, shape: [Int], elementCount: Int), count: Int,
    at start: UnsafeRawPointer?
  ) {
    (dtype, shape, elementCount) = tensor
    self.count = count
    let rowElementCount = shape.dropFirst().reduce(1, &*)
    bytes = UnsafeRawBufferPointer(
      start: start, count: count * (8 + rowElementCount * dtype.byteWidth))
  }

  /// Borrows a `values_blob`.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor`, saying what is wrong with it, when it is not
  ///   one of such a gradient.
  package init(
    blob bytes: UnsafeRawBufferPointer, dtype: DType, shape: [Int]
  ) throws(GradlogError) {
    let elementCount = try TensorView.elementCount(of: shape)
    let rowByteCount = try Self.rowByteCount(dtype, shape)
    let count = bytes.count / (8 + rowByteCount)
    guard let height = shape.first, bytes.count.isMultiple(of: 8 + rowByteCount) else {
      throw GradlogError(
        .invalidTensor,
        "\(bytes.count) bytes are not rows of a \(dtype.rawValue) gradient of shape \(shape)",
        remedy: "restore a copy of the file")
    }
    var last = -1
    for row in 0..<count {
      let index = Int(bytes.loadUnaligned(fromByteOffset: row * 8, as: Int64.self))
      guard index > last, index < height else {
        throw GradlogError(
          .invalidTensor, "row \(index) follows on row \(last) in a gradient of shape \(shape)",
          remedy: "restore a copy of the file")
      }
      last = index
    }
    self.init(checked: (dtype, shape, elementCount), count: count, at: bytes.baseAddress)
  }

  /// Bytes of one row.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` when they overflow.
  private static func rowByteCount(_ dtype: DType, _ shape: [Int]) throws(GradlogError) -> Int {
    let elements = try TensorView.elementCount(of: Array(shape.dropFirst()))
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: dtype.byteWidth)
    guard !overflow, bytes < Int.max - 8 else {
      throw GradlogError(
        .invalidTensor, "a row of a gradient of shape \(shape) is too large", remedy: "")
    }
    return bytes
  }

  /// The elements that are there.
  var elements: TensorView {
    let values = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count * 8))
    let kept = values.count / dtype.byteWidth
    return TensorView(checked: (dtype, [kept], kept), bytes: values)
  }

  /// The elements that are left out: zeros.
  var omittedElementCount: Int { elementCount - elements.elementCount }

  /// What is not larger is put together from its rows.
  private static let largestWhole = 4 << 30

  /// The whole gradient, zeros included: its elements in row-major order.
  ///
  /// - Throws: ``GradlogError`` with code `storage` when it has more than 4 GiB.
  package func expanded() throws(GradlogError) -> [UInt8] {
    let (byteCount, overflow) = elementCount.multipliedReportingOverflow(by: dtype.byteWidth)
    guard !overflow, byteCount <= Self.largestWhole else {
      throw GradlogError(
        .storage, "a gradient of shape \(shape) has more than 4 GiB with its zeros",
        remedy: "read its rows from values_blob")
    }
    var whole = [UInt8](repeating: 0, count: byteCount)
    let rowByteCount = count == 0 ? 0 : bytes.count / count - 8
    guard rowByteCount > 0, let source = bytes.baseAddress else { return whole }
    whole.withUnsafeMutableBytes { whole in
      for row in 0..<count {
        let index = Int(bytes.loadUnaligned(fromByteOffset: row * 8, as: Int64.self))
        whole.baseAddress?.advanced(by: index * rowByteCount).copyMemory(
          from: source + count * 8 + row * rowByteCount, byteCount: rowByteCount)
      }
    }
    return whole
  }
}

/// A gradient on its way to the file.
enum RecordedTensor {
  case whole(TensorView)
  case rows(StoredRows)

  /// That of the gradient.
  var shape: [Int] {
    switch self {
    case .whole(let tensor): tensor.shape
    case .rows(let rows): rows.shape
    }
  }
}
