internal import GRDB
internal import Gradlog

/// The weights and batches of the runs that a question is about, which its answer refers to.
struct SeriesIndex {
  struct Weight {
    let weightID: Int64
    let runID: Int64
    let run: CellValue
    let rank: CellValue
    let name: CellValue
    let position: Int64
    let shape: CellValue
    /// Whether the shape has two dimensions or more.
    let isKernel: Bool
    /// Whether the question is about it; the others still belong to the batch.
    let isAskedFor: Bool
  }

  struct Batch {
    let batchID: Int64
    let runID: Int64
    let epoch: Int64
    let batch: Int64
    /// nil when not recorded or NaN.
    let loss: Double?
    let lossIsNaN: Bool
    /// Equal for batches of the same optimizer.
    let optimizer: Int
    let firstGradientID: Int64
    let gradientCount: Int64
  }

  /// In the order in which answers name them: by run, then by position.
  let weights: [Weight]
  /// In the order of their keys.
  let batches: [Batch]
  private let indices: [Int64: Int]

  init(of question: SeriesQuestion, in db: Database) throws {
    weights = try Self.weights(question, db)
    batches = try Self.batches(question, db)
    indices = Dictionary(
      weights.enumerated().map { ($1.weightID, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Where a weight is in ``weights``.
  func index(ofWeight weightID: Int64) -> Int? { indices[weightID] }

  /// Where a batch is in ``batches``.
  func index(ofBatch batchID: Int64) -> Int? {
    var (low, high) = (0, batches.count)
    while low < high {
      let middle = (low + high) / 2
      if batches[middle].batchID < batchID { low = middle + 1 } else { high = middle }
    }
    return low < batches.count && batches[low].batchID == batchID ? low : nil
  }

  private static func weights(_ question: SeriesQuestion, _ db: Database) throws -> [Weight] {
    let rows = try PreparedStatement(
      """
      SELECT weight_id, run_id, runs.name, rank, weights.name, position, shape,
        coalesce(instr(shape, ',') > 0, 0), weights.name GLOB coalesce(:weight, '*')
      FROM weights JOIN runs USING (run_id) WHERE :run IS NULL OR runs.name = :run
      ORDER BY run_id, position
      """, on: db)
    try question.bindFilter(to: rows)
    var weights: [Weight] = []
    while try rows.step() {
      weights.append(
        Weight(
          weightID: rows.integer(at: 0), runID: rows.integer(at: 1), run: rows.value(at: 2),
          rank: rows.value(at: 3), name: rows.value(at: 4), position: rows.integer(at: 5),
          shape: rows.value(at: 6), isKernel: rows.integer(at: 7) != 0,
          isAskedFor: rows.integer(at: 8) != 0))
    }
    return weights
  }

  private static func batches(_ question: SeriesQuestion, _ db: Database) throws -> [Batch] {
    let rows = try PreparedStatement(
      """
      SELECT batch_id, run_id, epoch, batch, loss, loss_is_nan, optimizer, first_gradient_id,
        gradient_count
      FROM batches NOT INDEXED
      WHERE :run IS NULL OR run_id IN (SELECT run_id FROM runs WHERE name = :run)
      ORDER BY batch_id
      """, on: db)
    try question.bindFilter(to: rows)
    var batches: [Batch] = []
    var optimizers = ["": 0]
    while try rows.step() {
      let name = rows.bytes(at: 6)
      let optimizer = name.isEmpty ? 0 : Self.number(name, in: &optimizers)
      batches.append(
        Batch(
          batchID: rows.integer(at: 0), runID: rows.integer(at: 1), epoch: rows.integer(at: 2),
          batch: rows.integer(at: 3), loss: rows.real(at: 4), lossIsNaN: rows.integer(at: 5) != 0,
          optimizer: optimizer, firstGradientID: rows.integer(at: 7),
          gradientCount: rows.integer(at: 8)))
    }
    return batches
  }

  private static func number(
    _ name: UnsafeRawBufferPointer, in numbers: inout [String: Int]
  ) -> Int {
    let name = String(decoding: name, as: UTF8.self)
    if let number = numbers[name] { return number }
    numbers[name] = numbers.count
    return numbers.count - 1
  }
}
