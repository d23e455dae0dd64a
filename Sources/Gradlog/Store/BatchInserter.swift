internal import GRDB

/// Inserts batches and gradients of one run. Lives as long as the writer: its statements stay
/// prepared, and the weights that it has seen stay known.
struct BatchInserter {
  private let db: Database
  private let runID: Int64
  private let capture: CapturePlan
  private let batches: InsertStatement
  private let statistics: InsertStatement
  private let values: ValueKeeper
  private let series: SeriesTable
  private let directions = GradientDirections()
  private let watch: FindingWatch
  private var findings: FindingTable
  private var weights: WeightTable
  private(set) var detectors = Detectors()
  /// As they were when the transaction began; nil outside of one.
  private var earlierDetectors: Detectors?
  /// Numbers of the optimizers' labels, in the order in which they came up.
  private var optimizers: [String: Int] = [:]
  /// The gradients of the batch being inserted, as the detectors see them; kept for its memory.
  private var observed: [ObservedGradient] = []
  /// The weights of the batch being inserted, in order; kept for its memory.
  private var weightIndices: [Int] = []
  private var nextBatchID: Int64 = 0
  private var nextGradientID: Int64 = 0

  /// The step of the next batch that does not name one.
  private(set) var nextStep: Int
  /// Whether the file was rolled back to before what this knows.
  private var isStale = false

  init(run: RunState, capture: CapturePlan, watch: FindingWatch, in db: Database) throws {
    weights = try WeightTable(runID: run.runID, capture: capture, in: db)
    batches = try InsertStatement(into: "batches", columns: Self.batchColumns, in: db)
    statistics = try InsertStatement(
      into: "gradient_statistics", columns: Self.statisticsColumns, in: db)
    values = try ValueKeeper(run: run.runID, plan: capture, in: db)
    series = try SeriesTable(run: run.runID, in: db)
    findings = try FindingTable(run: run.runID, in: db)
    self.db = db
    self.capture = capture
    self.watch = watch
    runID = run.runID
    nextStep = run.nextStep
  }

  /// To be called first in each transaction: other processes may have inserted rows meanwhile.
  mutating func beginTransaction() throws {
    if isStale { try reload(resumingAt: nextStep) }
    try values.beginTransaction()
    try findNextKeys()
    earlierDetectors = detectors
  }

  /// The keys that SQLite gives the next rows by itself.
  private mutating func findNextKeys() throws {
    nextBatchID = try 1 + (Int64.fetchOne(db, sql: "SELECT max(batch_id) FROM batches") ?? 0)
    nextGradientID =
      try 1 + (Int64.fetchOne(db, sql: "SELECT max(gradient_id) FROM gradient_statistics") ?? 0)
  }

  /// To be called last in each transaction.
  mutating func endTransaction() throws {
    try series.flush()
    for finding in detectors.takeChanged() {
      let weight = finding.weight.map { (weights.weightID(at: $0), weights.name(at: $0)) }
      try findings.write(finding, of: weight, in: db)
    }
  }

  /// To be called when a transaction is committed.
  mutating func confirmTransaction() {
    earlierDetectors = nil
  }

  /// To be called when a transaction is rolled back. The training took its steps all the same, so
  /// they are counted: `step` is the one after them.
  mutating func forgetTransaction(resumingAt step: Int) {
    isStale = true
    nextStep = step
    if let earlier = earlierDetectors.take() { detectors.goBack(to: earlier) }
    values.forgetTransaction()
    series.forget()
    // What it compared with is not in the file.
    directions.forgetAll()
  }

  /// Counts a step whose batch is lost.
  mutating func skipStep() {
    nextStep += 1
  }

  /// Learns from the file again what it holds, and goes on with a step.
  mutating func reload(resumingAt step: Int) throws {
    weights = try WeightTable(runID: runID, capture: capture, in: db)
    try findNextKeys()
    nextStep = step
    isStale = false
  }

  /// To be called when batches that the run held were cut off.
  mutating func reloadAfterCut(resumingAt step: Int) throws {
    try reload(resumingAt: step)
    findings = try FindingTable(run: runID, in: db)
  }

  /// Inserts one batch and returns how many gradients had values that could not be kept.
  ///
  /// - Throws: ``GradlogError`` when the batch does not fit the run, before anything is inserted;
  ///   `DatabaseError` when SQLite refuses.
  mutating func insert(_ batch: PendingBatch, of slab: Slab) throws -> Int {
    let batchID = nextBatchID
    nextBatchID += 1
    // Weights first: a gradient that does not fit must not leave half a batch.
    weightIndices.removeAll(keepingCapacity: true)
    for gradient in slab.gradients[batch.gradients] {
      weightIndices.append(try weights.index(of: gradient, batchID: batchID, in: db))
    }
    let step = batch.context.step ?? nextStep
    try insertRow(batch, batchID: batchID, step: step)
    let place = BatchPlace(
      batchID: batchID, epoch: batch.context.epoch, batch: batch.context.batch, step: step,
      learningRate: batch.context.learningRate)
    let droppedValues = try insertGradients(of: batch, slab, place)
    nextStep = step + 1
    return droppedValues
  }

  private mutating func insertGradients(
    of batch: PendingBatch, _ slab: Slab, _ place: BatchPlace
  ) throws -> Int {
    var droppedValues = 0
    values.beginBatch()
    observed.removeAll(keepingCapacity: true)
    introduceWeights()
    directions.begin(optimizer: batch.context.optimizer)
    try series.begin(
      batchID: place.batchID, firstGradientID: nextGradientID,
      weightIDs: weightIndices.lazy.map(weights.weightID))
    for (position, index) in zip(batch.gradients, weightIndices) {
      let weightID = weights.weightID(at: index)
      if slab.gradients[position].tensor != nil {
        slab.setCosine(cosine(of: position, in: slab, weight: index), at: position)
        let result = slab.statistics(at: position)
        try insert(result, slab.exponentsBlob(at: position), weightID, place.batchID)
        series.append(result)
        observed.append(ObservedGradient(result, of: index))
        if weights.isCaptured(at: index), let values = slab.tensor(at: position),
          try !self.values.keep(values, gradientID: nextGradientID, batch: place)
        {
          droppedValues += 1
        }
      } else {
        try insertAbsent(weightID, place.batchID)
        series.appendAbsent()
        observed.append(ObservedGradient(absent: index))
      }
      nextGradientID += 1
    }
    let begun = detect(batch.context, at: place)
    try values.endBatch(findingBegins: !begun.isEmpty)
    for finding in begun {
      watch.note(LiveFinding(finding, of: finding.weight.map(weights.name)))
    }
    return droppedValues
  }

  private func cosine(of position: Int, in slab: Slab, weight index: Int) -> Double? {
    switch slab.tensor(at: position) {
    case .whole(let view): return directions.cosine(of: view, weight: index)
    case .rows:
      // The rows of an embedding that are there are others in each batch.
      directions.forget(weight: index)
      return nil
    case nil: return slab.sample(at: position).flatMap { directions.cosine(of: $0, weight: index) }
    }
  }

  /// Tells the detectors of weights that are new, of the shape of those that had no gradient before, and
  /// of those that were frozen or unfrozen.
  private mutating func introduceWeights() {
    for index in weightIndices {
      let isKnown = index < detectors.weights.count
      guard
        !isKnown || detectors.weights[index].dtype == nil
          || detectors.weights[index].isFrozen != weights.isFrozen(at: index)
      else { continue }
      while detectors.weights.count <= index {
        _ = detectors.register(weights.observed(at: detectors.weights.count))
      }
      if isKnown { detectors.update(weights.observed(at: index), at: index) }
    }
  }

  /// Hands the batch to the detectors. Returns the findings that begin or become worse, but for mere information.
  private mutating func detect(_ context: BatchContext, at place: BatchPlace) -> [Finding] {
    let optimizer = optimizers[context.optimizer] ?? optimizers.count
    optimizers[context.optimizer] = optimizer
    detectors.observe(
      ObservedBatch(
        place: place, optimizer: optimizer, loss: context.loss, lossScale: context.lossScale),
      observed)
    return detectors.begun.filter { $0.severity > .info }
  }

  private func insertRow(_ batch: PendingBatch, batchID: Int64, step: Int) throws {
    let context = batch.context
    let lossIsNaN = context.loss?.isNaN ?? false
    do {
      try batches.insert { row in
        row.bind(batchID)
        row.bind(runID)
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
        remedy: "record each batch once, or open the run with overlap: .replace")
    }
  }

  private func insert(
    _ result: GradientStatistics, _ exponents: UnsafeRawBufferPointer, _ weightID: Int64,
    _ batchID: Int64
  ) throws {
    try statistics.insert { row in
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
    try statistics.insert { row in
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
