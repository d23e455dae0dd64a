internal import GRDB

/// Inserts batches and gradients of one run. Lives as long as the writer: its statements stay
/// prepared, and the weights that it has seen stay known.
final class BatchInserter {
  private let db: Database
  private let runID: Int64
  private let capture: CapturePlan
  private let statements: Statements
  private var weights: WeightTable
  private var pass = StatisticsPass()
  private var detectors = Detectors()
  /// The weights of the batch being inserted, in order; kept for its memory.
  private var weightIndices: [Int] = []
  private var nextBatchID: Int64 = 0
  private var nextGradientID: Int64 = 0

  /// The step of the next batch that does not name one.
  private(set) var nextStep: Int
  /// Whether the file was rolled back to before what this knows.
  private var isStale = false

  /// SQLite's default limit on the bytes of a blob.
  private static let largestBlob = 1_000_000_000

  init(run: RunState, capture: CapturePlan, in db: Database) throws {
    weights = try WeightTable(runID: run.runID, capture: capture, in: db)
    statements = try Statements(in: db)
    self.db = db
    self.capture = capture
    runID = run.runID
    nextStep = run.nextStep
  }

  /// To be called first in each transaction: other processes may have inserted rows meanwhile.
  func beginTransaction() throws {
    if isStale { try reload(resumingAt: nextStep) }
    nextBatchID = try 1 + (Int64.fetchOne(db, sql: "SELECT max(batch_id) FROM batches") ?? 0)
    nextGradientID =
      try 1 + (Int64.fetchOne(db, sql: "SELECT max(gradient_id) FROM gradient_statistics") ?? 0)
  }

  /// To be called last in each transaction.
  func endTransaction() throws {
    for finding in detectors.takeFindings() { try FindingTable.merge(finding, run: runID, in: db) }
  }

  /// To be called when a transaction is rolled back. The training took its steps all the same, so
  /// they are counted: `step` is the one after them.
  func forgetTransaction(resumingAt step: Int) {
    isStale = true
    nextStep = step
    _ = detectors.takeFindings()
  }

  /// Counts a step whose batch is lost.
  func skipStep() {
    nextStep += 1
  }

  /// Learns the weights from the file again and goes on with a step.
  func reload(resumingAt step: Int) throws {
    weights = try WeightTable(runID: runID, capture: capture, in: db)
    nextStep = step
    isStale = false
  }

  /// Inserts one batch and returns how many gradients had values that could not be kept.
  ///
  /// - Throws: ``GradlogError`` when the batch does not fit the run, before anything is inserted;
  ///   `DatabaseError` when SQLite refuses.
  func insert(_ batch: PendingBatch, of slab: Slab) throws -> Int {
    let batchID = nextBatchID
    nextBatchID += 1
    // Weights first: a gradient that does not fit must not leave half a batch.
    weightIndices.removeAll(keepingCapacity: true)
    for gradient in slab.gradients[batch.gradients] {
      weightIndices.append(try weights.index(of: gradient, batchID: batchID, in: db))
    }
    let step = batch.context.step ?? nextStep
    try insertRow(batch, batchID: batchID, step: step)
    var droppedValues = 0
    for (gradient, index) in zip(slab.gradients[batch.gradients], weightIndices) {
      let weight = weights[index]
      let keepsValues =
        weight.isCaptured && capture.includes(epoch: batch.context.epoch, step: step)
      let bytes = slab.bytes(of: gradient)
      try insertStatistics(of: gradient, bytes, weight.weightID, batchID)
      if keepsValues, gradient.tensor != nil, try !insertValues(bytes) { droppedValues += 1 }
      nextGradientID += 1
    }
    nextStep = step + 1
    return droppedValues
  }

  private func insertRow(_ batch: PendingBatch, batchID: Int64, step: Int) throws {
    let context = batch.context
    let lossIsNaN = context.loss?.isNaN ?? false
    statements.batches.bind(batchID)
    statements.batches.bind(runID)
    statements.batches.bind(context.epoch)
    statements.batches.bind(context.batch)
    statements.batches.bind(context.optimizer)
    statements.batches.bind(context.call)
    statements.batches.bind(step)
    statements.batches.bind(context.loss)
    statements.batches.bind(lossIsNaN ? 1 : 0)
    statements.batches.bind(context.learningRate)
    statements.batches.bind(context.lossScale)
    statements.batches.bind(batch.recordedAt)
    statements.batches.bind(nextGradientID)
    statements.batches.bind(batch.gradients.count)
    do {
      try statements.batches.execute()
    } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
      throw GradlogError(
        .overlap, "the run already holds epoch \(context.epoch) batch \(context.batch)",
        remedy: "record each batch once, or open the run with overlap: .replace")
    }
  }

  private func insertStatistics(
    of gradient: PendingGradient, _ bytes: UnsafeRawBufferPointer, _ weightID: Int64,
    _ batchID: Int64
  ) throws {
    statements.statistics.bind(nextGradientID)
    statements.statistics.bind(batchID)
    statements.statistics.bind(weightID)
    if let tensor = gradient.tensor {
      let result = pass.run(over: TensorView(checked: tensor, bytes: bytes))
      detectors.inspect(result, weightID: weightID, batchID: batchID)
      statements.statistics.bind(0)
      statements.statistics.bind(result)
      statements.statistics.bind(pass.exponentsBlob)
    } else {
      statements.statistics.bind(1)
      statements.statistics.bindRestAsNull()
    }
    try statements.statistics.execute()
  }

  /// Whether the values fit in a blob.
  private func insertValues(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
    guard bytes.count <= Self.largestBlob else { return false }
    statements.values.bind(nextGradientID)
    statements.values.bind("dense")
    statements.values.bind(bytes)
    try statements.values.execute()
    return true
  }
}

/// The three INSERTs of a batch.
private struct Statements {
  let batches: InsertStatement
  let statistics: InsertStatement
  let values: InsertStatement

  init(in db: Database) throws {
    batches = try InsertStatement(
      into: "batches",
      columns: [
        "batch_id", "run_id", "epoch", "batch", "optimizer", "call", "step", "loss", "loss_is_nan",
        "learning_rate", "loss_scale", "recorded_at", "first_gradient_id", "gradient_count",
      ], in: db)
    statistics = try InsertStatement(
      into: "gradient_statistics",
      columns: [
        "gradient_id", "batch_id", "weight_id", "absent", "zero_count", "nan_count",
        "posinf_count", "neginf_count", "sum", "sum_abs", "sum_squares", "norm", "rms", "std",
        "min", "max", "abs_p1", "abs_p5", "abs_p25", "abs_median", "abs_p75", "abs_p95", "abs_p99",
        "float16_underflow_count", "bfloat16_underflow_count", "float8_e4m3_underflow_count",
        "float8_e5m2_underflow_count", "exponents_blob",
      ], in: db)
    values = try InsertStatement(
      into: "gradient_values", columns: ["gradient_id", "encoding", "values_blob"], in: db)
  }
}

extension InsertStatement {
  /// Binds the statistics columns from `zero_count` to `float8_e5m2_underflow_count`.
  fileprivate func bind(_ statistics: GradientStatistics) {
    bind(statistics.zeroCount)
    bind(statistics.nanCount)
    bind(statistics.posinfCount)
    bind(statistics.neginfCount)
    bind(statistics.sum)
    bind(statistics.sumAbs)
    bind(statistics.sumSquares)
    bind(statistics.norm)
    bind(statistics.rms)
    bind(statistics.std)
    bind(statistics.min)
    bind(statistics.max)
    bind(statistics.quantiles?.p1)
    bind(statistics.quantiles?.p5)
    bind(statistics.quantiles?.p25)
    bind(statistics.quantiles?.median)
    bind(statistics.quantiles?.p75)
    bind(statistics.quantiles?.p95)
    bind(statistics.quantiles?.p99)
    bind(statistics.underflow.float16)
    bind(statistics.underflow.bfloat16)
    bind(statistics.underflow.float8E4M3)
    bind(statistics.underflow.float8E5M2)
  }
}
