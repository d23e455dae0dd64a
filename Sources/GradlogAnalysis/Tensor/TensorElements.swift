public import Gradlog

/// Consecutive elements of one tensor, as they lie in the file.
///
/// Valid only during the call that hands it over.
public struct TensorElements {
  /// The type of the elements.
  public let type: DType

  /// Row-major index of the first of them in the tensor.
  public let firstIndex: Int

  private let bytes: UnsafeRawBufferPointer

  /// - Parameters:
  ///   - type: the type of the elements.
  ///   - firstIndex: row-major index of the first.
  ///   - bytes: the elements, little-endian; a rest that is no whole element is left out.
  init(_ type: DType, from firstIndex: Int, _ bytes: UnsafeRawBufferPointer) {
    self.type = type
    self.firstIndex = firstIndex
    self.bytes = UnsafeRawBufferPointer(
      rebasing: bytes[..<(bytes.count - bytes.count % type.byteWidth)])
  }

  /// Number of elements.
  public var count: Int { bytes.count / type.byteWidth }

  /// The first elements, at most `limit` of them.
  func prefix(_ limit: Int) -> TensorElements {
    TensorElements(
      type, from: firstIndex,
      UnsafeRawBufferPointer(rebasing: bytes[..<(min(limit, count) * type.byteWidth)]))
  }

  /// Calls the closure that fits the type for each element in order, a bfloat16 widened.
  @inline(__always)
  func forEach(
    double: (Double) throws -> Void, single: (Float) throws -> Void,
    half: (Float16) throws -> Void
  ) rethrows {
    switch type {
    case .float16: for index in 0..<count { try half(Float16(bitPattern: bits(index))) }
    case .bfloat16:
      for index in 0..<count {
        try single(Float(bitPattern: UInt32(bits(index) as UInt16) << 16))
      }
    case .float32: for index in 0..<count { try single(Float(bitPattern: bits(index))) }
    case .float64: for index in 0..<count { try double(Double(bitPattern: bits(index))) }
    }
  }

  /// The element at `index` of this piece, counted from 0.
  func cell(_ index: Int) -> CellValue {
    switch type {
    case .float16: .half(Float16(bitPattern: bits(index)))
    case .bfloat16: .single(Float(bitPattern: UInt32(bits(index) as UInt16) << 16))
    case .float32: .single(Float(bitPattern: bits(index)))
    case .float64: .real(Double(bitPattern: bits(index)))
    }
  }

  /// The elements as numpy prints them; see ``ArrayText``.
  func arrayText(shape: [Int], showsAll: Bool) -> String {
    func describe<Element>(_ values: [Element]) -> String
    where Element: BinaryFloatingPoint & LosslessStringConvertible {
      do throws(GradlogError) {
        return try ArrayText.describe(values, shape: shape, showsAll: showsAll)
      } catch {
        return "\(error)"
      }
    }
    switch type {
    case .float16: return describe((0..<count).map { Float16(bitPattern: bits($0)) })
    case .bfloat16, .float32:
      var values: [Float] = []
      forEach(double: { _ in }, single: { values.append($0) }, half: { _ in })
      return describe(values)
    case .float64: return describe((0..<count).map { Double(bitPattern: bits($0)) })
    }
  }

  /// The elements one by one.
  func cells() -> some Sequence<CellValue> {
    (0..<count).lazy.map { cell($0) }
  }

  @inline(__always)
  private func bits<Bits: FixedWidthInteger>(_ index: Int) -> Bits {
    Bits(
      littleEndian: bytes.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self))
  }
}
