internal import GRDB

/// A weight as the file describes it.
struct StoredWeight: Sendable {
  let weightID: Int64
  let name: String
  /// nil as long as only absent gradients were seen.
  let dtype: DType?
  let shape: [Int]
  /// Whether the training holds it fixed, as last told.
  let isFrozen: Bool
  /// Euclidean norm of the values that it had when the run began; nil when not told.
  let initialNorm: Double?
}

/// The rows of `weights` of one run, by the indices that ``KnownWeights`` gave the weights.
struct WeightTable {
  private struct Row {
    let weightID: Int64
    let name: String
    var hasShape: Bool
    var isFrozen: Bool
    var initialNorm: Double?
    /// Whether the capture plan keeps its values in the batches that it chooses.
    let isCaptured: Bool
  }

  private let runID: Int64
  private let capture: CapturePlan
  /// nil for a weight that this table was not asked for yet.
  private var rows: [Row?] = []
  /// What the file held when it was looked at last, by name.
  private var stored: [String: StoredWeight]
  /// The indices of weights of which the batch being inserted says that they are frozen, or no longer so.
  private var changed: [Int] = []
  /// The position of the next new weight.
  private var nextPosition: Int

  /// How many weights the file holds of the run.
  var count: Int { nextPosition }

  /// Knows the weights that a run had when it was opened by their places among them.
  init(_ run: RunState, capture: CapturePlan, in db: Database) throws {
    runID = run.runID
    self.capture = capture
    let weights = try Self.weights(of: runID, in: db)
    stored = Dictionary(weights.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    nextPosition = weights.count
    rows = run.weights.map { known($0.name) }
  }

  /// The weights that the file holds of a run, in the order of their positions.
  static func weights(of runID: Int64, in db: Database) throws -> [StoredWeight] {
    let rows = try GRDB.Row.fetchAll(
      db,
      sql: """
        SELECT weight_id, name, dtype, shape, frozen, initial_norm FROM weights WHERE run_id = ?
        ORDER BY position, weight_id
        """,
      arguments: [runID])
    return try rows.map { row in
      StoredWeight(
        weightID: try row.decode(Int64.self, forColumn: "weight_id"),
        name: try row.decode(String.self, forColumn: "name"),
        dtype: try row.decode(String?.self, forColumn: "dtype").flatMap(DType.init),
        shape: StoredShape.dimensions(try row.decode(String?.self, forColumn: "shape")) ?? [],
        isFrozen: try row.decode(Bool.self, forColumn: "frozen"),
        initialNorm: try row.decode(Double?.self, forColumn: "initial_norm"))
    }
  }

  /// The key and the name of the weight at an index; nil when the file does not hold it.
  func weight(at index: Int) -> (id: Int64, name: String)? {
    guard index < rows.count, let row = rows[index] else { return nil }
    return (row.weightID, row.name)
  }

  /// Whether the values of the weight at an index are kept in the batches that the plan chooses.
  func isCaptured(at index: Int) -> Bool { rows[index]?.isCaptured ?? false }

  /// To be called before the gradients of a batch.
  mutating func beginBatch() {
    changed.removeAll(keepingCapacity: true)
  }

  /// The key of the weight that a gradient belongs to. A new weight is inserted, and what is new about one is written,
  /// except whether it is frozen, see ``writeFreezings(from:in:)``.
  mutating func weightID(of gradient: PendingGradient, in db: Database) throws -> Int64 {
    let index = gradient.index
    while rows.count <= index { rows.append(nil) }
    let row = try rows[index] ?? known(gradient.weight) ?? insert(gradient, in: db)
    if rows[index] == nil { rows[index] = row }
    if let tensor = gradient.tensor, !row.hasShape {
      try complete(index, row.weightID, tensor, in: db)
    }
    if row.initialNorm != gradient.initialNorm {
      try setInitialNorm(gradient.initialNorm, index, row.weightID, in: db)
    }
    if row.isFrozen != gradient.isFrozen { changed.append(index) }
    return row.weightID
  }

  private func known(_ name: String) -> Row? {
    stored[name].map { weight in
      Row(
        weightID: weight.weightID, name: name, hasShape: weight.dtype != nil,
        isFrozen: weight.isFrozen, initialNorm: weight.initialNorm,
        isCaptured: capture.includes(weight: name))
    }
  }

  private mutating func insert(_ gradient: PendingGradient, in db: Database) throws -> Row {
    try db.execute(
      sql: """
        INSERT INTO weights (run_id, position, name, dtype, shape, element_count, initial_norm)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        runID, nextPosition, gradient.weight, gradient.tensor?.dtype.rawValue,
        gradient.tensor.map { Self.json($0.shape) }, gradient.tensor?.elementCount,
        gradient.initialNorm,
      ])
    nextPosition += 1
    return Row(
      weightID: db.lastInsertedRowID, name: gradient.weight, hasShape: gradient.tensor != nil,
      isFrozen: false, initialNorm: gradient.initialNorm,
      isCaptured: capture.includes(weight: gradient.weight))
  }

  /// Fills in dtype and shape of a weight that had only absent gradients until now.
  private mutating func complete(
    _ index: Int, _ weightID: Int64, _ tensor: (dtype: DType, shape: [Int], elementCount: Int),
    in db: Database
  ) throws {
    try db.execute(
      sql: "UPDATE weights SET dtype = ?, shape = ?, element_count = ? WHERE weight_id = ?",
      arguments: [
        tensor.dtype.rawValue, Self.json(tensor.shape), tensor.elementCount, weightID,
      ])
    rows[index]?.hasShape = true
  }

  /// Writes how large a weight was at first in a run that is recorded anew from its first batch on.
  private mutating func setInitialNorm(
    _ norm: Double?, _ index: Int, _ weightID: Int64, in db: Database
  ) throws {
    try db.execute(
      sql: "UPDATE weights SET initial_norm = ? WHERE weight_id = ?", arguments: [norm, weightID])
    rows[index]?.initialNorm = norm
  }

  /// Writes which weights are frozen, or no longer so, from the batch on whose gradients were looked up last, and which
  /// is in the file.
  mutating func writeFreezings(from batchID: Int64, in db: Database) throws {
    for index in changed {
      guard let row = rows[index] else { continue }
      try db.cachedStatement(sql: "UPDATE weights SET frozen = ? WHERE weight_id = ?")
        .execute(arguments: [!row.isFrozen, row.weightID])
      try db.cachedStatement(
        sql: "INSERT INTO freezings (weight_id, first_batch_id, frozen) VALUES (?, ?, ?)"
      ).execute(arguments: [row.weightID, batchID, !row.isFrozen])
      rows[index]?.isFrozen.toggle()
    }
  }

  /// Takes back what was told in batches that are about to be deleted, the last ones of their run: a table with their
  /// `batch_id`.
  static func forgetFreezings(inBatchesOf table: String, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE weights SET frozen = 1 - earliest.frozen
          FROM (SELECT weight_id, frozen, min(first_batch_id) FROM freezings
            WHERE first_batch_id IN (SELECT batch_id FROM \(table)) GROUP BY weight_id) AS earliest
          WHERE weights.weight_id = earliest.weight_id;
        DELETE FROM freezings WHERE first_batch_id IN (SELECT batch_id FROM \(table));
        """)
  }

  private static func json(_ shape: [Int]) -> String {
    "[\(shape.map(String.init).joined(separator: ","))]"
  }
}
