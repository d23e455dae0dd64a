internal import GRDB

/// The weights of one run, as the file and the writer know them.
struct WeightTable {
  /// A row of `weights`.
  struct Weight {
    let weightID: Int64
    /// The last batch that had a gradient of it while this table lived; 0 for none.
    var lastBatchID: Int64 = 0
    let name: String
    /// nil as long as only absent gradients were seen.
    var dtype: DType?
    var shape: [Int]
    /// Whether the training holds it fixed, as last told.
    var isFrozen: Bool
    /// Whether the capture plan keeps its values in the batches that it chooses.
    let isCaptured: Bool
  }

  private let runID: Int64
  private let capture: CapturePlan
  /// In order of position.
  private var weights: [Weight] = []
  private var indices: [String: Int] = [:]
  /// Where the next gradient is looked for first: batches name their weights in the same order.
  private var expected = 0

  /// The weights that the file holds of the run.
  init(runID: Int64, capture: CapturePlan, in db: Database) throws {
    self.runID = runID
    self.capture = capture
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT weight_id, name, dtype, shape, frozen FROM weights WHERE run_id = ? ORDER BY position
        """,
      arguments: [runID])
    for row in rows {
      let name = try row.decode(String.self, forColumn: "name")
      let dtype = try row.decode(String?.self, forColumn: "dtype").flatMap(DType.init)
      let shape = try row.decode(String?.self, forColumn: "shape")
      append(
        Weight(
          weightID: try row.decode(Int64.self, forColumn: "weight_id"), name: name, dtype: dtype,
          shape: shape.map(Self.shape) ?? [],
          isFrozen: try row.decode(Bool.self, forColumn: "frozen"),
          isCaptured: capture.includes(weight: name)))
    }
  }

  /// The key of the weight at an index that ``index(of:batchID:in:)`` gave. (A whole ``Weight`` would
  /// be copied, name and shape with it, for each gradient.)
  func weightID(at index: Int) -> Int64 { weights[index].weightID }

  /// The name of the weight at an index.
  func name(at index: Int) -> String { weights[index].name }

  /// The weight at an index as the detectors see it.
  func observed(at index: Int) -> ObservedWeight {
    ObservedWeight(
      position: index, shape: weights[index].shape, dtype: weights[index].dtype,
      isFrozen: weights[index].isFrozen)
  }

  /// Whether the training holds the weight at an index fixed, as last told.
  func isFrozen(at index: Int) -> Bool { weights[index].isFrozen }

  /// Whether the values of the weight at an index are kept in the batches that the plan chooses.
  func isCaptured(at index: Int) -> Bool { weights[index].isCaptured }

  /// The index of the weight that a gradient of a batch belongs to; a new weight is inserted.
  ///
  /// - Throws: ``GradlogError`` with code `invalidTensor` when the gradient has another dtype or
  ///   shape than the run has of this weight, or the batch had a gradient of it already.
  mutating func index(
    of gradient: PendingGradient, batchID: Int64, in db: Database
  ) throws -> Int {
    guard let index = index(of: gradient.weight) else {
      return try insert(gradient, batchID: batchID, in: db)
    }
    guard weights[index].lastBatchID != batchID else {
      throw GradlogError(
        .invalidTensor, "a batch has two gradients of \"\(gradient.weight)\"",
        remedy: "give each weight a name of its own, and record it once in a batch")
    }
    weights[index].lastBatchID = batchID
    if let tensor = gradient.tensor { try check(tensor, against: index, in: db) }
    if weights[index].isFrozen != gradient.isFrozen {
      try setFrozen(gradient.isFrozen, at: index, in: db)
    }
    return index
  }

  private mutating func check(
    _ tensor: (dtype: DType, shape: [Int], elementCount: Int), against index: Int, in db: Database
  ) throws {
    guard weights[index].dtype != tensor.dtype || weights[index].shape != tensor.shape else {
      return
    }
    let weight = weights[index]
    guard let dtype = weight.dtype else { return try complete(index, tensor, in: db) }
    throw GradlogError(
      .invalidTensor,
      "the gradient of \"\(weight.name)\" is \(tensor.dtype.rawValue) \(tensor.shape), "
        + "but the run has it as \(dtype.rawValue) \(weight.shape)",
      remedy: "record a changed model under another run name")
  }

  private mutating func index(of name: String) -> Int? {
    if expected >= weights.count { expected = 0 }
    if expected < weights.count, weights[expected].name == name {
      expected += 1
      return expected - 1
    }
    guard let index = indices[name] else { return nil }
    expected = index + 1
    return index
  }

  private mutating func insert(
    _ gradient: PendingGradient, batchID: Int64, in db: Database
  ) throws -> Int {
    try db.execute(
      sql: """
        INSERT INTO weights (run_id, position, name, dtype, shape, element_count, frozen)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        runID, weights.count, gradient.weight, gradient.tensor?.dtype.rawValue,
        gradient.tensor.map { Self.json($0.shape) }, gradient.tensor?.elementCount,
        gradient.isFrozen,
      ])
    append(
      Weight(
        weightID: db.lastInsertedRowID, lastBatchID: batchID, name: gradient.weight,
        dtype: gradient.tensor?.dtype, shape: gradient.tensor?.shape ?? [],
        isFrozen: gradient.isFrozen, isCaptured: capture.includes(weight: gradient.weight)))
    return weights.count - 1
  }

  /// Fills in dtype and shape of a weight that had only absent gradients until now.
  private mutating func complete(
    _ index: Int, _ tensor: (dtype: DType, shape: [Int], elementCount: Int), in db: Database
  ) throws {
    try db.execute(
      sql: "UPDATE weights SET dtype = ?, shape = ?, element_count = ? WHERE weight_id = ?",
      arguments: [
        tensor.dtype.rawValue, Self.json(tensor.shape), tensor.elementCount,
        weights[index].weightID,
      ])
    weights[index].dtype = tensor.dtype
    weights[index].shape = tensor.shape
  }

  private mutating func setFrozen(_ isFrozen: Bool, at index: Int, in db: Database) throws {
    try db.execute(
      sql: "UPDATE weights SET frozen = ? WHERE weight_id = ?",
      arguments: [isFrozen, weights[index].weightID])
    weights[index].isFrozen = isFrozen
  }

  private mutating func append(_ weight: Weight) {
    indices[weight.name] = weights.count
    weights.append(weight)
  }

  private static func json(_ shape: [Int]) -> String {
    "[\(shape.map(String.init).joined(separator: ","))]"
  }

  private static func shape(_ json: String) -> [Int] {
    json.dropFirst().dropLast().split(separator: ",").compactMap { Int($0) }
  }
}
