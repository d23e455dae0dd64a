/// The element types that a gradient can have. The raw value is the name in the file, which is also
/// the name in numpy and PyTorch.
public enum DType: String, Sendable, CaseIterable {
  /// IEEE 754 binary16.
  case float16
  /// The upper half of a binary32: 8 exponent bits, 7 fraction bits.
  case bfloat16
  /// IEEE 754 binary32.
  case float32
  /// IEEE 754 binary64.
  case float64

  /// Bytes of one element.
  public var byteWidth: Int {
    switch self {
    case .float16, .bfloat16: 2
    case .float32: 4
    case .float64: 8
    }
  }
}
