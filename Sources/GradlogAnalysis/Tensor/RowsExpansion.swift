internal import Gradlog

extension Recording {
  /// The whole gradient, zeros included, of a `values_blob` that holds rows.
  ///
  /// - Throws: ``GradlogError`` when the blob is not one of such a gradient, or when the gradient is too
  ///   large as a whole.
  func expand(
    rows blob: UnsafeRawBufferPointer, dtype: DType, shape: CellValue, weight: CellValue
  ) throws(GradlogError) -> [UInt8] {
    let rows: StoredRows
    do throws(GradlogError) {
      guard let dimensions = StoredShape.dimensions(shape.text) else {
        throw GradlogError(
          .invalidTensor, "the shape is \(DisplayText.cell(shape))", remedy: "")
      }
      rows = try StoredRows(blob: blob, dtype: dtype, shape: dimensions)
    } catch {
      throw GradlogError(
        .notAGradlogFile,
        "'\(path)' is damaged (values of '\(weight.text ?? "?")': \(error.problem))",
        remedy: "restore a copy of the file")
    }
    return try rows.expanded()
  }
}
