/// A borrowed gradient of which only some rows are there, as an embedding's: in any order, and one row
/// perhaps several times. The others are zero.
package struct RowSparseTensor {
  package let dtype: DType
  /// That of the whole gradient.
  package let shape: [Int]
  /// Elements of the whole gradient.
  package let elementCount: Int
  private let rowByteCount: Int
  private let indices: UnsafeBufferPointer<Int64>
  private let rows: UnsafeRawPointer?

  /// - Parameters:
  ///   - dtype: the type of the elements.
  ///   - shape: that of the whole gradient, `[rows, …]`.
  ///   - indices: the row of the gradient that each row belongs to.
  ///   - rows: one row after the other, contiguous; nil only if they have no element.
  /// - Throws: ``GradlogError`` with code `invalidTensor` for a scalar, an impossible shape, a row that
  ///   the shape does not have, or missing rows.
  package init(
    dtype: DType, shape: [Int], indices: UnsafeBufferPointer<Int64>, rows: UnsafeRawPointer?
  ) throws(GradlogError) {
    let elementCount = try TensorView.elementCount(of: shape)
    let rowElementCount = try TensorView.elementCount(of: Array(shape.dropFirst()))
    let (rowByteCount, overflow) = rowElementCount.multipliedReportingOverflow(by: dtype.byteWidth)
    guard let height = shape.first, !overflow,
      rows != nil || indices.isEmpty || rowElementCount == 0
    else {
      throw GradlogError(
        .invalidTensor, "a gradient of shape \(shape) cannot be made from \(indices.count) rows",
        remedy: "pass a shape of one dimension or more, and the rows")
    }
    if let stranger = indices.first(where: { $0 < 0 || $0 >= height }) {
      throw GradlogError(
        .invalidTensor, "there is no row \(stranger) in a gradient of shape \(shape)",
        remedy: "pass indices from 0 to \(height - 1)")
    }
    self.dtype = dtype
    self.shape = shape
    self.elementCount = elementCount
    self.rowByteCount = rowByteCount
    self.indices = indices
    self.rows = rows
  }

  /// Bytes that are enough for ``store(at:)``.
  var largestByteCount: Int { byteCount(of: indices.count) }

  /// Bytes of so many stored rows.
  func byteCount(of count: Int) -> Int { count * (8 + rowByteCount) }

  /// Writes the rows as ``StoredRows`` has them: in ascending order, those of one index summed in their
  /// order in the gradient's own type. Returns how many rows there are then.
  func store(at destination: UnsafeMutableRawPointer) -> Int {
    guard !indices.isEmpty, let source = indices.baseAddress else { return 0 }
    if zip(indices, indices.dropFirst()).allSatisfy(<) {
      destination.copyMemory(from: source, byteCount: indices.count * 8)
      copyRows(to: destination + indices.count * 8)
      return indices.count
    }
    // By index, then by position: a sum depends on its order.
    let order = indices.indices.sorted { (indices[$0], $0) < (indices[$1], $1) }
    var count = 0
    for (place, position) in order.enumerated()
    where place == 0 || indices[position] != indices[order[place - 1]] {
      destination.storeBytes(of: indices[position], toByteOffset: count * 8, as: Int64.self)
      count += 1
    }
    sumRows(in: order, to: destination + count * 8)
    return count
  }

  private func copyRows(to destination: UnsafeMutableRawPointer) {
    guard let rows else { return }
    destination.copyMemory(from: rows, byteCount: indices.count * rowByteCount)
  }

  private func sumRows(in order: [Int], to destination: UnsafeMutableRawPointer) {
    guard let rows, rowByteCount > 0 else { return }
    var sum = destination - rowByteCount
    for (place, position) in order.enumerated() {
      let row = rows + position * rowByteCount
      if place == 0 || indices[position] != indices[order[place - 1]] {
        sum += rowByteCount
        sum.copyMemory(from: row, byteCount: rowByteCount)
      } else {
        add(row, to: sum)
      }
    }
  }

  private func add(_ row: UnsafeRawPointer, to sum: UnsafeMutableRawPointer) {
    switch dtype {
    case .float16: add(row, to: sum) { (sum: Float16, element) in sum + element }
    case .bfloat16:
      add(row, to: sum) { (sum: BFloat16, element) in BFloat16(Float(sum) + Float(element)) }
    case .float32: add(row, to: sum) { (sum: Float, element) in sum + element }
    case .float64: add(row, to: sum) { (sum: Double, element) in sum + element }
    }
  }

  private func add<Element: TensorElement>(
    _ row: UnsafeRawPointer, to sum: UnsafeMutableRawPointer,
    _ plus: (Element, Element) -> Element
  ) {
    for offset in stride(from: 0, to: rowByteCount, by: MemoryLayout<Element>.size) {
      let result = plus(
        sum.loadUnaligned(fromByteOffset: offset, as: Element.self),
        row.loadUnaligned(fromByteOffset: offset, as: Element.self))
      sum.storeBytes(of: result, toByteOffset: offset, as: Element.self)
    }
  }
}
