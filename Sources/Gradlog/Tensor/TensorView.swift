/// A borrowed tensor: element type, shape and bytes that agree.
///
/// The bytes are the elements in row-major order (the last index varies fastest), contiguous, in the
/// machine's byte order, which is little-endian on every machine that gradlog runs on. They need no
/// alignment. A view owns nothing: it is valid as long as the memory it was made from.
///
/// What is checked at construction holds afterwards, so no accessor can fail.
public struct TensorView {
  /// The type of the elements.
  public let dtype: DType

  /// The extents, outermost first; empty for a scalar, which has one element.
  public let shape: [Int]

  /// `elementCount * dtype.byteWidth` bytes.
  public let bytes: UnsafeRawBufferPointer

  /// The product of the shape: 1 for a scalar, 0 when any extent is 0.
  public let elementCount: Int

  /// Borrows `bytes` as a tensor.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` when an extent is negative, the size
  ///   overflows, or `bytes` has another length than shape and type ask for.
  public init(
    dtype: DType, shape: [Int], bytes: UnsafeRawBufferPointer
  ) throws(GradlogError) {
    let elementCount = try Self.elementCount(of: shape)
    let (byteCount, overflow) = elementCount.multipliedReportingOverflow(by: dtype.byteWidth)
    guard !overflow, byteCount == bytes.count else {
      throw GradlogError(
        .invalidTensor,
        "a \(dtype.rawValue) tensor of shape \(shape) cannot be made from \(bytes.count) bytes",
        remedy: "pass \(overflow ? "fewer elements" : "\(byteCount) bytes"), or the shape they have"
      )
    }
    self.dtype = dtype
    self.shape = shape
    self.bytes = bytes
    self.elementCount = elementCount
  }

  /// Borrows bytes that were copied from a checked view.
  init(
    checked tensor: (dtype: DType, shape: [Int], elementCount: Int), bytes: UnsafeRawBufferPointer
  ) {
    (dtype, shape, elementCount) = tensor
    self.bytes = bytes
  }

  /// The product of `shape`: 1 for a scalar, 0 when any extent is 0.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` when an extent is negative or the product
  ///   overflows.
  public static func elementCount(of shape: [Int]) throws(GradlogError) -> Int {
    var product = 1
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else {
        throw GradlogError(
          .invalidTensor, "\(shape) is not the shape of a tensor",
          remedy: "pass extents that are not negative and whose product fits in 63 bits")
      }
      product = next
    }
    return product
  }
}
