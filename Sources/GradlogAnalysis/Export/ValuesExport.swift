internal import Gradlog

extension Recording {
  private static let columns = [
    "run", "rank", "epoch", "batch", "step", "weight", "index", "value",
  ]

  /// Writes one row for each element of each gradient whose values were captured.
  ///
  /// A tensor is read piece by piece: memory does not depend on its size.
  func exportValues(filter: RowFilter, to writer: inout some RowWriter) throws -> Int {
    let conditions = filter.conditions(run: "run", weight: "weight", epoch: "epoch")
    let sql = """
      SELECT run, rank, epoch, batch, step, weight, dtype, encoding, gradient_id
      FROM gradients WHERE encoding IS NOT NULL AND \(conditions)
      ORDER BY run_id, epoch, batch, optimizer, call, gradient_id
      """
    return try read { db in
      let gradients = try PreparedStatement(sql, on: db)
      for (name, value) in filter.parameters { try gradients.bind(value, to: name) }
      let blobs = try BlobReader(db)
      var row = [CellValue](repeating: .null, count: gradients.columns.count)
      var remaining = filter.limit ?? .max
      var written = 0
      try writer.begin(columns: Self.columns)
      while remaining > 0, try gradients.step() {
        gradients.read(into: &row)
        let type = try elementType(dtype: row[6], encoding: row[7], weight: row[5])
        let leading = Array(row[..<6])
        var next = 0
        try blobs.read(gradient: row[8].integer ?? 0) { bytes in
          let elements = TensorElements(type, from: next, bytes).prefix(remaining)
          try writer.write(elements, after: leading)
          next += elements.count
          remaining -= elements.count
        }
        written += next
      }
      try writer.end()
      return written
    }
  }

  /// How the values of a gradient are to be read.
  ///
  /// - Throws: ``GradlogError`` when the file says something that no format of it allows.
  func elementType(dtype: CellValue, encoding: CellValue, weight: CellValue) throws -> ElementType {
    let name = weight.text ?? "?"
    guard encoding.text == "dense" else {
      throw GradlogError(
        .notAGradlogFile,
        "'\(path)' is damaged (values of '\(name)' have the encoding \(spelled(encoding)))",
        remedy: "restore a copy of the file")
    }
    guard let type = dtype.text.flatMap(ElementType.init(rawValue:)) else {
      throw GradlogError(
        .notAGradlogFile, "'\(path)' is damaged ('\(name)' has the dtype \(spelled(dtype)))",
        remedy: "restore a copy of the file")
    }
    return type
  }

  private func spelled(_ value: CellValue) -> String {
    "'" + DisplayText.cell(value) + "'"
  }
}
