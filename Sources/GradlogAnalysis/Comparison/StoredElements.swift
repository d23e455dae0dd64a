internal import Gradlog

/// The elements of a gradient as its `values_blob` has them.
struct StoredElements {
  /// The type in which they are written.
  let type: DType
  let bytes: UnsafeRawBufferPointer
  /// Elements of the whole gradient.
  let elementCount: Int
  /// nil when all elements are there.
  private let rows: StoredRows?
  /// Elements of a row.
  private let rowLength: Int

  /// Borrows a `values_blob`.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` when the blob is none of such a gradient.
  init(
    _ bytes: UnsafeRawBufferPointer, _ encoding: StoredEncoding, dtype: DType, shape: [Int]
  ) throws(GradlogError) {
    type = encoding.elementType(of: dtype)
    self.bytes = bytes
    if encoding == .rows {
      let rows = try StoredRows(blob: bytes, dtype: dtype, shape: shape)
      self.rows = rows
      elementCount = rows.elementCount
      rowLength = rows.count == 0 ? 0 : (bytes.count / rows.count - 8) / dtype.byteWidth
    } else {
      rows = nil
      rowLength = 0
      elementCount = try TensorView(dtype: type, shape: shape, bytes: bytes).elementCount
    }
  }

  /// Number of parts, each of which is contiguous; what lies between them is zero.
  private var partCount: Int { rows?.count ?? 1 }

  /// The elements of a part, by their row-major indices, and where the first is.
  private func part(_ index: Int) -> (elements: Range<Int>, start: UnsafeRawPointer?) {
    guard let rows else { return (0..<elementCount, bytes.baseAddress) }
    let row = Int(bytes.loadUnaligned(fromByteOffset: index * 8, as: Int64.self))
    let offset = rows.count * 8 + index * rowLength * type.byteWidth
    return (row * rowLength..<(row + 1) * rowLength, bytes.baseAddress.map { $0 + offset })
  }

  /// Walks through two gradients of one shape from the first element on, in pieces that are contiguous in
  /// both; what is zero in both because neither has it is left out.
  ///
  /// `body` gets the index of the first element, the number of elements and where they are in either; nil
  /// where they are zero.
  static func forEachPiece(
    of a: StoredElements, _ b: StoredElements,
    _ body: (_ first: Int, _ count: Int, _ a: UnsafeRawPointer?, _ b: UnsafeRawPointer?) -> Void
  ) {
    var (indexA, indexB) = (0, 0)
    var place = 0
    while indexA < a.partCount || indexB < b.partCount {
      let partA = indexA < a.partCount ? a.part(indexA) : nil
      let partB = indexB < b.partCount ? b.part(indexB) : nil
      let (elementsA, elementsB) = (partA?.elements, partB?.elements)
      if let elementsA, elementsA.upperBound <= place {
        indexA += 1
        continue
      }
      if let elementsB, elementsB.upperBound <= place {
        indexB += 1
        continue
      }
      // To the next place where one of the two begins or ends.
      func next(_ elements: Range<Int>?) -> Int {
        guard let elements else { return .max }
        return elements.lowerBound > place ? elements.lowerBound : elements.upperBound
      }
      let end = min(next(elementsA), next(elementsB))
      func start(_ part: (elements: Range<Int>, start: UnsafeRawPointer?)?, _ type: DType)
        -> UnsafeRawPointer?
      {
        guard let part, part.elements.contains(place), let start = part.start else { return nil }
        return start + (place - part.elements.lowerBound) * type.byteWidth
      }
      let (startA, startB) = (start(partA, a.type), start(partB, b.type))
      if startA != nil || startB != nil { body(place, end - place, startA, startB) }
      place = end
    }
  }
}

extension StoredElements {
  /// Whether the same bytes are the same elements.
  func isWrittenLike(_ other: StoredElements) -> Bool {
    type == other.type && (rows == nil) == (other.rows == nil)
  }

  /// Two elements in all digits; those that look alike although they differ are told apart.
  static func spell(
    _ a: StoredElements, _ b: StoredElements, at index: Int
  ) -> (a: String, b: String) {
    let (first, second) = (a.cell(index), b.cell(index))
    // 0.1 is not the same number in two types.
    let isOneType = a.type == b.type
    let texts = [first, second].map { isOneType ? $0.digits : "\($0.real ?? .nan)" }
    guard texts[0] == texts[1] else { return (texts[0], texts[1]) }
    return ("\(texts[0]) (\(first.bits))", "\(texts[1]) (\(second.bits))")
  }

  /// One element.
  private func cell(_ index: Int) -> CellValue {
    for number in 0..<partCount {
      let (elements, start) = part(number)
      guard elements.contains(index), let start else { continue }
      let bytes = UnsafeRawBufferPointer(
        start: start + (index - elements.lowerBound) * type.byteWidth, count: type.byteWidth)
      return TensorElements(type, from: index, bytes).cell(0)
    }
    return withUnsafeBytes(of: 0.0) { zero in
      TensorElements(type, from: index, zero).cell(0)
    }
  }
}

extension CellValue {
  /// A number in the fewest digits that read back as the same number of its type.
  fileprivate var digits: String {
    switch self {
    case .real(let number): number.isNaN ? "nan" : "\(number)"
    case .single(let number): number.isNaN ? "nan" : "\(number)"
    case .half(let number): number.isNaN ? "nan" : "\(number)"
    case .null, .integer, .text, .blob: DisplayText.cell(self)
    }
  }

  /// The bits of a number: `0x7fc00001`.
  fileprivate var bits: String {
    let bits: UInt64 =
      switch self {
      case .real(let number): number.bitPattern
      case .single(let number): UInt64(number.bitPattern)
      case .half(let number): UInt64(number.bitPattern)
      case .null, .integer, .text, .blob: 0
      }
    return "0x" + String(bits, radix: 16)
  }
}
