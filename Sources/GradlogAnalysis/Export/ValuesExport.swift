internal import Gradlog

extension Recording {
  private static let columns = [
    "run", "rank", "epoch", "batch", "step", "weight", "index", "value",
  ]

  /// Writes one row for each element of each gradient whose values were captured.
  ///
  /// A tensor is read piece by piece: memory does not depend on its size.
  func exportValues(filter: RowFilter, to writer: inout some RowWriter) throws -> Int {
    let weights = filter.conditions(run: nil, weight: "weight", epoch: nil)
    let sql = """
      SELECT run, rank, epoch, batch, step, weight, dtype, encoding, gradient_id
      FROM gradients WHERE batch_id = :batch AND encoding IS NOT NULL AND \(weights)
      ORDER BY gradient_id
      """
    return try read { db in
      let blobs = try BlobReader(db)
      let limit = filter.limit ?? .max
      var count = 0
      let begin = { (_: [String], _: [String]) in try writer.begin(columns: Self.columns) }
      var row = [CellValue](repeating: .null, count: 9)
      try forEachRow(of: sql, filter: filter, in: db, begin: begin) { _, gradient, _ in
        gradient.read(into: &row)
        let type = try elementType(dtype: row[6], encoding: row[7], weight: row[5])
        let leading = Array(row[..<6])
        var next = 0
        try blobs.read(gradient: row[8].integer ?? 0) { bytes in
          let elements = TensorElements(type, from: next, bytes).prefix(limit - count)
          try writer.write(elements, after: leading)
          next += elements.count
          count += elements.count
        }
        return count < limit
      }
      try writer.end()
      return count
    }
  }

  /// How the values of a gradient are to be read.
  ///
  /// - Throws: ``GradlogError`` when the file says something that no format of it allows.
  func elementType(dtype: CellValue, encoding: CellValue, weight: CellValue) throws -> DType {
    let name = weight.text ?? "?"
    guard let encoding = encoding.text.flatMap(ValueEncoding.init(rawValue:)) else {
      throw GradlogError(
        .notAGradlogFile,
        "'\(path)' is damaged (values of '\(name)' have the encoding \(spelled(encoding)))",
        remedy: "restore a copy of the file")
    }
    guard let type = dtype.text.flatMap(DType.init(rawValue:)) else {
      throw GradlogError(
        .notAGradlogFile, "'\(path)' is damaged ('\(name)' has the dtype \(spelled(dtype)))",
        remedy: "restore a copy of the file")
    }
    return encoding.storedType(of: type)
  }

  private func spelled(_ value: CellValue) -> String {
    "'" + DisplayText.cell(value) + "'"
  }
}
