internal import GRDB
internal import Gradlog

/// A gradient of a batch as its rows describe it.
struct ComparedGradient {
  let gradientID: Int64
  /// Whether there was no gradient.
  let isAbsent: Bool
  /// How the values are written; nil when they were not captured.
  let encoding: StoredEncoding?
  /// Whether there are values that are written in no way that the format has.
  let hasForeignValues: Bool
  /// Bytes of the values.
  let byteCount: Int
  let statistics: StatisticsRow
}

/// Reads the batches of one run: what is known of them, and the rows of their gradients.
final class BatchReader {
  /// What a batch says of itself.
  struct Batch {
    let place: ComparedBatch
    /// NaN when it was NaN; nil when not recorded.
    let loss: Double?
    let learningRate: Double?
    fileprivate let firstGradientID: Int64
    fileprivate let lastGradientID: Int64
  }

  private let rank: Int
  private let slots: [Int64: Int]
  private let batches: PreparedStatement
  private let gradients: PreparedStatement
  private let encodings: [StoredEncoding]

  /// A reader of the run with this rank; `slots` says which place the gradient of a weight, by its key, gets.
  /// Other weights are left out.
  init(rank: Int, slots: [Int64: Int], in db: Database) throws {
    self.rank = rank
    self.slots = slots
    batches = try PreparedStatement(
      """
      SELECT epoch, batch, step, optimizer, call, loss, loss_is_nan, learning_rate,
        first_gradient_id, gradient_count
      FROM batches WHERE batch_id = :batch
      """, on: db)
    // A number is quicker to read than the name.
    encodings = StoredEncoding.allCases
    let numbers = encodings.enumerated().map { "WHEN '\($1.rawValue)' THEN \($0)" }
    // A range that is wrong must not bring in the gradients of other batches.
    gradients = try PreparedStatement(
      """
      SELECT rows.gradient_id, weight_id, absent,
        CASE encoding \(numbers.joined(separator: " ")) END, encoding IS NULL,
        iif(typeof(values_blob) = 'blob', length(values_blob), -1),
        \(StatisticsRow.columns.joined(separator: ", "))
      FROM gradient_statistics AS rows LEFT JOIN gradient_values USING (gradient_id)
      WHERE rows.gradient_id BETWEEN :first AND :last AND +batch_id = :batch
      ORDER BY rows.gradient_id
      """, on: db)
  }

  /// What is known of a batch.
  func batch(_ batchID: Int64) throws -> Batch? {
    batches.reset()
    try batches.bind(.integer(batchID), to: "batch")
    guard try batches.step() else { return nil }
    let first = batches.integer(at: 8)
    let last = first.addingReportingOverflow(max(batches.integer(at: 9), 0))
    return Batch(
      place: ComparedBatch(
        rank: rank, epoch: Int(batches.integer(at: 0)), batch: Int(batches.integer(at: 1)),
        step: Int(batches.integer(at: 2)), optimizer: batches.value(at: 3).text ?? "",
        call: Int(batches.integer(at: 4))),
      loss: batches.integer(at: 6) == 1 ? .nan : batches.real(at: 5),
      learningRate: batches.real(at: 7), firstGradientID: first,
      lastGradientID: last.overflow ? .max : max(last.partialValue, .min + 1) - 1)
  }

  /// Puts the gradients of a batch into the places of their weights; nil where there is none.
  func read(_ batchID: Int64, _ batch: Batch, into rows: inout [ComparedGradient?]) throws {
    for slot in rows.indices { rows[slot] = nil }
    gradients.reset()
    try gradients.bind(.integer(batch.firstGradientID), to: "first")
    try gradients.bind(.integer(batch.lastGradientID), to: "last")
    try gradients.bind(.integer(batchID), to: "batch")
    while try gradients.step() {
      guard let slot = slots[gradients.integer(at: 1)], rows[slot] == nil else { continue }
      let hasValues = gradients.integer(at: 4) == 0
      let number = gradients.real(at: 3).map { Int($0) }
      let byteCount = Int(gradients.integer(at: 5))
      rows[slot] = ComparedGradient(
        gradientID: gradients.integer(at: 0), isAbsent: gradients.integer(at: 2) != 0,
        encoding: hasValues ? number.map { encodings[$0] } : nil,
        hasForeignValues: hasValues && (number == nil || byteCount < 0), byteCount: byteCount,
        statistics: StatisticsRow(gradients, from: 6))
    }
  }
}
