internal import GRDB

/// Inserts batches and gradients of one run. Lives as long as the writer: its statements stay
/// prepared, and the weights that it has seen stay known.
struct BatchInserter {
  private let db: Database
  private let run: RunState
  private let capture: CapturePlan
  private let batches: RowStatement
  private let statistics: RowStatement
  private let values: ValueKeeper
  private let series: SeriesTable
  private var findings: FindingTable
  private var weights: WeightTable
  /// Those that the file held of a run that is taken up again, until something was said of new ones.
  private var resumedWeights: [StoredWeight]
  private var keys: BatchKeys
  /// How many of them are committed.
  private var committedCount: Int64 = 0
  private var cosines = KnownCosines()
  /// The weights of the batch being inserted, in order; kept for its memory.
  private var weightIDs: [Int64] = []
  private var nextBatchID: Int64 = 0
  private var nextGradientID: Int64 = 0
  /// Whether the file was rolled back to before what this knows.
  private var isStale = false

  init(run: RunState, capture: CapturePlan, in db: Database) throws {
    weights = try WeightTable(run, capture: capture, in: db)
    keys = BatchKeys(upTo: run.lastBatchID)
    batches = try RowStatement(into: "batches", columns: Self.batchColumns, in: db)
    statistics = try RowStatement(
      into: "gradient_statistics", columns: Self.statisticsColumns, in: db)
    values = try ValueKeeper(run: run.runID, plan: capture, in: db)
    series = try SeriesTable(run: run.runID, in: db)
    findings = try FindingTable(run: run.runID, in: db)
    self.db = db
    self.capture = capture
    resumedWeights = run.weights
    self.run = run
  }

  /// To be called first in each transaction: other processes may have inserted rows meanwhile.
  mutating func beginTransaction() throws {
    if isStale { try reload() }
    try values.beginTransaction()
    try findNextKeys()
  }

  /// The keys that SQLite gives the next rows by itself.
  private mutating func findNextKeys() throws {
    nextBatchID = try nextKey("SELECT max(batch_id) FROM batches")
    nextGradientID = try nextKey("SELECT max(gradient_id) FROM gradient_statistics")
  }

  private func nextKey(_ last: String) throws -> Int64 {
    let last = try Int64.fetchOne(db, sql: last) ?? 0
    // SQLite would choose keys at random then, and those of a batch would not be consecutive.
    guard last < .max / 2 else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "there are no keys left")
    }
    return last + 1
  }

  /// Takes findings of a slab as they are after its batches, which are inserted or lost.
  mutating func takeFindings(of slab: Slab) {
    if slab.goesOnWithFindings { findings.goOn() }
    for finding in slab.changedFindings {
      findings.take(finding, of: slab.optimizers[finding.optimizer])
    }
  }

  /// To be called last in each transaction.
  mutating func endTransaction() throws {
    try series.flush()
    try findings.write(weights, keys)
  }

  /// To be called when a transaction is committed.
  mutating func confirmTransaction() {
    committedCount = keys.length
  }

  /// To be called when a transaction is rolled back, or could not begin.
  mutating func forgetTransaction() {
    isStale = true
    keys.cut(to: committedCount)
    values.forgetTransaction()
    series.forget()
    loseBatches()
  }

  /// To be called when batches that were judged are not in the file: those after them are compared with them.
  mutating func loseBatches() {
    cosines.forget()
  }

  /// Learns from the file again what it holds.
  private mutating func reload() throws {
    weights = try WeightTable(run, capture: capture, in: db)
    try findings.reload()
    try findNextKeys()
    isStale = false
  }

  /// To be called when batches that the run held were cut off.
  mutating func reloadAfterCut() throws {
    keys.lastKept = try RunTable.lastBatchID(of: run.runID, in: db)
    try reload()
    try findings.reloadAfterCut()
    // Whoever records a run anew may have changed the model.
    resumedWeights = []
  }

  /// Inserts one batch of a slab that is judged, by its index, and returns how many gradients had values that could not
  /// be kept.
  ///
  /// - Throws: ``GradlogError`` when the batch does not fit the run, before anything of it is inserted;
  ///   `DatabaseError` when SQLite refuses.
  mutating func insertBatch(_ index: Int, of slab: Slab) throws -> Int {
    let batch = slab.batches[index]
    let verdict = slab.verdicts[index]
    let batchID = nextBatchID
    nextBatchID += 1
    weightIDs.removeAll(keepingCapacity: true)
    let weightCount = weights.count
    weights.beginBatch()
    for position in batch.gradients {
      weightIDs.append(try weights.weightID(of: slab.gradients[position], in: db))
    }
    if weights.count > weightCount {
      sayIfRenamed(batch.gradients.map { slab.gradients[$0].weight })
    }
    try insertRow(batch, batchID: batchID, step: verdict.step)
    try weights.writeFreezings(from: batchID, in: db)
    keys.append(batchID, of: verdict.number)
    values.beginBatch()
    let droppedValues = try insertGradients(
      of: batch, slab,
      BatchPlace(
        batchID: batchID, epoch: batch.context.epoch, batch: batch.context.batch,
        step: verdict.step))
    try values.endBatch(findingBegins: !verdict.begun.isEmpty)
    return droppedValues
  }

  /// A weight that was renamed between two sessions of a run would become two weights with half of a history each, which
  /// nobody might see.
  private mutating func sayIfRenamed(_ names: [String]) {
    let earlier = Set(resumedWeights.map(\.name))
    guard let missing = resumedWeights.first(where: { !names.contains($0.name) }),
      let added = names.first(where: { !earlier.contains($0) })
    else { return }
    resumedWeights = []
    complain(
      "the run had no weight \"\(added)\" before, and this batch has no \"\(missing.name)\"; if a weight was "
        + "renamed, give it its old name, or record under another run name; training goes on, and both are kept"
    )
  }

  private mutating func insertGradients(
    of batch: PendingBatch, _ slab: Slab, _ place: BatchPlace
  ) throws -> Int {
    var droppedValues = 0
    cosines.begin(optimizer: batch.context.optimizer)
    try series.begin(
      batchID: place.batchID, firstGradientID: nextGradientID, weightIDs: weightIDs)
    for (position, weightID) in zip(batch.gradients, weightIDs) {
      let index = slab.gradients[position].index
      if slab.gradients[position].tensor != nil {
        if !cosines.isKnown(ofWeight: index) { slab.setCosine(nil, at: position) }
        let result = slab.statistics(at: position)
        try insert(result, slab.exponentsBlob(at: position), weightID, place.batchID)
        series.append(result)
        if weights.isCaptured(at: index), let values = slab.tensor(at: position),
          try !self.values.keep(values, gradientID: nextGradientID, batch: place)
        {
          droppedValues += 1
        }
      } else {
        try insertAbsent(weightID, place.batchID)
        series.appendAbsent()
      }
      nextGradientID += 1
    }
    return droppedValues
  }

  private func insertRow(_ batch: PendingBatch, batchID: Int64, step: Int) throws {
    let context = batch.context
    let lossIsNaN = context.loss?.isNaN ?? false
    do {
      try batches.run { row in
        row.bind(batchID)
        row.bind(run.runID)
        row.bind(context.epoch)
        row.bind(context.batch)
        row.bind(context.optimizer)
        row.bind(context.call)
        row.bind(step)
        row.bind(context.loss)
        row.bind(lossIsNaN ? 1 : 0)
        row.bind(context.learningRate)
        row.bind(context.lossScale)
        row.bind(batch.recordedAt)
        row.bind(nextGradientID)
        row.bind(batch.gradients.count)
      }
    } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
      throw GradlogError(
        .overlap, "the run already holds epoch \(context.epoch) batch \(context.batch)",
        remedy: "record each batch once, or open the run with the overlap \"replace\"")
    }
  }

  private func insert(
    _ result: GradientStatistics, _ exponents: UnsafeRawBufferPointer, _ weightID: Int64,
    _ batchID: Int64
  ) throws {
    try statistics.run { row in
      // SQLite gives it `nextGradientID`, without a search for a row that has it already.
      row.bindNull()
      row.bind(batchID)
      row.bind(weightID)
      row.bind(0)
      row.bind(result)
      row.bind(exponents)
      row.bind(result.zeroRows)
      row.bind(result.zeroColumns)
      row.bind(result.cosine)
    }
  }

  private func insertAbsent(_ weightID: Int64, _ batchID: Int64) throws {
    try statistics.run { row in
      row.bindNull()
      row.bind(batchID)
      row.bind(weightID)
      row.bind(1)
      for _ in Self.statisticsColumns.dropFirst(4) { row.bindNull() }
    }
  }

  private static let batchColumns = [
    "batch_id", "run_id", "epoch", "batch", "optimizer", "call", "step", "loss", "loss_is_nan",
    "learning_rate", "loss_scale", "recorded_at", "first_gradient_id", "gradient_count",
  ]

  private static let statisticsColumns = [
    "gradient_id", "batch_id", "weight_id", "absent", "zero_count", "nan_count", "posinf_count",
    "neginf_count", "sum", "sum_abs", "sum_squares", "norm", "rms", "std", "min", "max", "abs_p1",
    "abs_p5", "abs_p25", "abs_median", "abs_p75", "abs_p95", "abs_p99", "float16_underflow_count",
    "bfloat16_underflow_count", "float8_e4m3_underflow_count", "float8_e5m2_underflow_count",
    "exponents_blob", "zero_rows", "zero_columns", "cosine",
  ]
}

extension BoundRow {
  /// Binds the statistics columns from `zero_count` to `float8_e5m2_underflow_count`.
  fileprivate mutating func bind(_ statistics: GradientStatistics) {
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
