internal import Gradlog

/// One gradient of a recording: where it is from, its statistics and its values.
public struct Gradient: Sendable {
  /// Names of the columns of the view `gradients` and their values, blobs and keys left out, in order.
  public let statistics: [(name: String, value: CellValue)]

  /// Dimensions; none for a scalar.
  public let shape: [Int]

  /// The elements and their type; nil when they were not captured.
  let values: (type: DType, bytes: [UInt8])?

  let histogram: ExponentHistogram?

  /// How the values are written; nil when they were not captured.
  let encoding: StoredEncoding?

  /// The value of a column of the view `gradients`; ``CellValue/null`` when there is none.
  public subscript(_ column: String) -> CellValue {
    statistics.first { $0.name == column }?.value ?? .null
  }

  /// Lends the elements; nil when the values were not captured.
  func withElements<Result>(_ body: (TensorElements) throws -> Result) rethrows -> Result? {
    guard let values else { return nil }
    return try values.bytes.withUnsafeBytes { bytes in
      try body(TensorElements(values.type, from: 0, bytes))
    }
  }

  /// The captured elements, or a sentence that says why there are none.
  func requiredValues() throws -> (type: DType, bytes: [UInt8]) {
    if let values { return values }
    let name = self["weight"].text ?? "?"
    throw GradlogError(
      .notFound,
      self["absent"].integer == 1
        ? "'\(name)' had no gradient in this batch" : "the values of '\(name)' were not captured",
      remedy: "choose another batch, or leave out --format to see what was recorded")
  }
}

extension Recording {
  private static let columns = [
    "run", "rank", "stage", "epoch", "batch", "step", "optimizer", "call", "loss", "loss_is_nan",
    "learning_rate", "recorded_at", "weight", "position", "dtype", "shape", "element_count",
    "absent", "zero_count", "zero_rows", "zero_columns", "cosine", "nan_count", "posinf_count",
    "neginf_count", "finite_count", "norm",
    "rms", "mean", "mean_abs", "std", "min", "max", "max_abs", "sum", "sum_abs", "sum_squares",
    "abs_p1", "abs_p5", "abs_p25", "abs_median", "abs_p75", "abs_p95", "abs_p99",
    "float16_underflow", "bfloat16_underflow", "float8_e4m3_underflow", "float8_e5m2_underflow",
  ]

  /// Reads the gradient with a key of `gradient_statistics`.
  func gradient(key: Int64) throws -> Gradient {
    let names = Self.columns
    // The batch is found through its unique index, the gradient by its key.
    let format = try read { try FileFormat(of: $0) }
    let rows = try allRows(
      of: """
        SELECT \(format.selecting(names)), encoding, values_blob, exponents_blob
        FROM gradients WHERE gradient_id = :key AND batch_id =
          (SELECT batch_id FROM gradient_statistics WHERE gradient_id = :key)
        """, with: ["key": .integer(key)])
    guard let row = rows.first else {
      throw GradlogError(
        .notAGradlogFile, "'\(path)' is damaged (gradient \(key) has no batch or no weight)",
        remedy: "restore a copy of the file")
    }
    let statistics = zip(names, row).map { (name: $0, value: $1) }
    func cell(_ name: String) -> CellValue { names.firstIndex(of: name).map { row[$0] } ?? .null }

    var values: (type: DType, bytes: [UInt8])?
    if case .blob(let bytes) = row[names.count + 1] {
      let (type, encoding) = try elementType(
        dtype: cell("dtype"), encoding: row[names.count], weight: cell("weight"))
      let whole =
        try encoding == .rows
        ? bytes.withUnsafeBytes {
          try expand(rows: $0, dtype: type, shape: cell("shape"), weight: cell("weight"))
        } : bytes
      values = (type, whole)
    }
    var histogram: ExponentHistogram?
    if case .blob(let blob) = row[names.count + 2] {
      histogram = try? ExponentHistogram(blob: blob)
    }
    let shape = try checkedShape(cell("shape").text, values, weight: cell("weight").text)
    return Gradient(
      statistics: statistics, shape: shape, values: values, histogram: histogram,
      encoding: row[names.count].text.flatMap(StoredEncoding.init))
  }

  /// The dimensions, which agree with the number of elements when there are values.
  private func checkedShape(
    _ text: String?, _ values: (type: DType, bytes: [UInt8])?, weight: String?
  ) throws -> [Int] {
    let shape = StoredShape.dimensions(text)
    if let values {
      let product = shape.flatMap(Self.product)
      guard let product, product == values.bytes.count / values.type.byteWidth,
        values.bytes.count.isMultiple(of: values.type.byteWidth)
      else {
        throw GradlogError(
          .notAGradlogFile,
          "'\(path)' is damaged ('\(weight ?? "?")' of shape \(text ?? "NULL") has "
            + "\(values.bytes.count) bytes of \(values.type.rawValue))",
          remedy: "restore a copy of the file")
      }
    }
    return shape ?? []
  }

  private static func product(_ shape: [Int]) -> Int? {
    if shape.contains(0) { return 0 }
    var product = 1
    for dimension in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      if overflow { return nil }
      product = next
    }
    return product
  }
}
