internal import GRDB
internal import Gradlog

/// The runs and weights of a file, which are few: everything else refers to them by key.
struct RecordingIndex {
  struct Run {
    let name: String
    let rank: Int?
    let worldSize: Int?
    let stage: String?
    let hasConfiguration: Bool

    var place: Fault.Place { Fault.Place(run: name, rank: rank) }
  }

  struct Weight {
    let runID: Int64?
    let name: String
    /// Position, `dtype`, `shape`, `element_count`, `frozen` and `initial_norm` as they stand in the file.
    let position: CellValue
    let dtype: CellValue
    let shape: CellValue
    let elementCount: CellValue
    /// NULL in a file whose format does not have it.
    let frozen: CellValue
    let initialNorm: CellValue
    /// The tensors that the weight has; nil when the file does not tell, or contradicts itself.
    let tensor: (dtype: DType, shape: [Int], elementCount: Int)?

    /// Bytes of a gradient.
    var byteCount: Int? {
      tensor.flatMap { tensor in
        let (bytes, overflow) = tensor.elementCount.multipliedReportingOverflow(
          by: tensor.dtype.byteWidth)
        return overflow ? nil : bytes
      }
    }
  }

  private(set) var runs: [Int64: Run] = [:]
  private(set) var weights: [Int64: Weight] = [:]

  /// Longer names are cut: they are only shown.
  init(db: Database, format: FileFormat) throws {
    let runs = try PreparedStatement(
      """
      SELECT run_id, substr(name, 1, 200), rank, world_size,
        length(configuration) < 100000000 AND json_valid(configuration)
          AND json_type(configuration) = 'object', substr(stage, 1, 40)
      FROM runs
      """, on: db)
    while try runs.step() {
      guard let key = runs.value(at: 0).integer else { continue }
      self.runs[key] = Run(
        name: runs.value(at: 1).text ?? "?", rank: runs.value(at: 2).integer.map(Int.init),
        worldSize: runs.value(at: 3).integer.map(Int.init), stage: runs.value(at: 5).text,
        hasConfiguration: runs.value(at: 4).integer == 1)
    }
    let weights = try PreparedStatement(
      """
      SELECT weight_id, run_id, substr(name, 1, 200), position, substr(dtype, 1, 40),
        substr(shape, 1, 2000), element_count, \(format.selecting(["frozen", "initial_norm"])) FROM weights
      """, on: db)
    while try weights.step() {
      guard let key = weights.value(at: 0).integer else { continue }
      self.weights[key] = Self.weight(weights)
    }
  }

  private static func weight(_ row: PreparedStatement) -> Weight {
    let dtype = row.value(at: 4)
    let shape = row.value(at: 5)
    let elementCount = row.value(at: 6)
    var tensor: (dtype: DType, shape: [Int], elementCount: Int)?
    if let type = dtype.text.flatMap(DType.init(rawValue:)),
      let extents = StoredShape.dimensions(shape.text),
      let count = try? TensorView.elementCount(of: extents), elementCount.integer == Int64(count)
    {
      tensor = (type, extents, count)
    }
    return Weight(
      runID: row.value(at: 1).integer, name: row.value(at: 2).text ?? "?",
      position: row.value(at: 3), dtype: dtype, shape: shape, elementCount: elementCount,
      frozen: row.value(at: 7), initialNorm: row.value(at: 8), tensor: tensor)
  }
}
