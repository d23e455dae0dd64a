/// How the values of a gradient are written. The raw value is the `encoding` in the file. Statistics
/// are always those of the gradient itself. Types of two bytes and row-sparse gradients, which are
/// small already, are written as they are.
public enum ValueEncoding: String, Sendable, CaseIterable {
  /// Every bit, in the gradient's own type.
  case dense
  /// Each element rounded to the nearest binary16, ties to even: 3 digits, 6e-8 to 65504, beyond which
  /// it becomes infinite.
  case float16
  /// Each element rounded to the nearest bfloat16, ties to even: 2 to 3 digits, the range of float32.
  case bfloat16
}
