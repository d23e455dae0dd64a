/// A Swift type whose arrays can be recorded as they are.
public protocol TensorElement: BitwiseCopyable, Sendable {
  /// The element type that this Swift type is in memory.
  static var dtype: DType { get }
}

extension Float16: TensorElement {
  /// `float16`.
  public static var dtype: DType { .float16 }
}

extension BFloat16: TensorElement {
  /// `bfloat16`.
  public static var dtype: DType { .bfloat16 }
}

extension Float: TensorElement {
  /// `float32`.
  public static var dtype: DType { .float32 }
}

extension Double: TensorElement {
  /// `float64`.
  public static var dtype: DType { .float64 }
}
