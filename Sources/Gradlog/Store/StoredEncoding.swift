/// How a `values_blob` is written; docs/FileFormat.md says what each means.
package enum StoredEncoding: String, Sendable, CaseIterable {
  /// Every element in the gradient's own type.
  case dense
  /// Every element rounded to binary16.
  case float16
  /// Every element rounded to bfloat16.
  case bfloat16
  /// Only some rows, in the gradient's own type; see ``StoredRows``.
  case rows

  /// The type of the elements in the file, of a gradient of this type.
  package func elementType(of dtype: DType) -> DType {
    switch self {
    case .dense, .rows: dtype
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }
}
