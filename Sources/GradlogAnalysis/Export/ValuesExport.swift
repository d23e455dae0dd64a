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
      SELECT run, rank, epoch, batch, step, weight, dtype, encoding, shape, gradient_id
      FROM gradients WHERE batch_id = :batch AND encoding IS NOT NULL AND \(weights)
      ORDER BY gradient_id
      """
    return try read { db in
      let blobs = try BlobReader(db)
      let limit = filter.limit ?? .max
      var count = 0
      let begin = { (_: [String], _: [String]) in try writer.begin(columns: Self.columns) }
      var row = [CellValue](repeating: .null, count: 10)
      try forEachRow(of: sql, filter: filter, in: db, begin: begin) { _, gradient, _ in
        gradient.read(into: &row)
        let (type, encoding) = try elementType(dtype: row[6], encoding: row[7], weight: row[5])
        let leading = Array(row[..<6])
        var next = 0
        func write(_ bytes: UnsafeRawBufferPointer) throws {
          let elements = TensorElements(type, from: next, bytes).prefix(limit - count)
          try writer.write(elements, after: leading)
          next += elements.count
          count += elements.count
        }
        let key = row[9].integer ?? 0
        if encoding == .rows {
          let whole = try expand(
            rows: blobs.readWhole(gradient: key), dtype: type, shape: row[8], weight: row[5])
          try whole.withUnsafeBytes(write)
        } else {
          try blobs.read(gradient: key, write)
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
  func elementType(
    dtype: CellValue, encoding: CellValue, weight: CellValue
  ) throws -> (type: DType, encoding: StoredEncoding) {
    let name = weight.text ?? "?"
    guard let encoding = encoding.text.flatMap(StoredEncoding.init(rawValue:)) else {
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
    return (encoding.elementType(of: type), encoding)
  }

  private func spelled(_ value: CellValue) -> String {
    "'" + DisplayText.cell(value) + "'"
  }
}
