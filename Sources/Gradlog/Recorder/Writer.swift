internal import GRDB

/// The other end of the ``SlabQueue``: computes statistics, applies the detectors and inserts, on the
/// connection's own queue, until the slab queue is closed.
struct Writer {
  private let db: Database
  private let queue: SlabQueue
  private let losses: LossCounter
  private let path: String
  private let runID: Int64
  private let inserter: BatchInserter
  /// What the run held when it was taken up again, as long as it may have to be cut off.
  private var earlier: RecordedBatch?
  /// The losses that the file tells of.
  private var noted = RecordingLosses()
  private var turn = WriteTurn()
  private var log: LogWatch

  /// A transaction is committed when it has taken this many bytes.
  private static let transactionBytes = 64 << 20

  /// Records until `queue` is closed. Never throws: what cannot be written is counted as lost.
  static func run(
    _ run: RunState, _ options: GradientRecorder.Options, from queue: SlabQueue,
    losses: LossCounter, watch: FindingWatch, in db: Database, path: String
  ) {
    do {
      var writer = try Writer(run, options, queue, losses, watch, db, path)
      writer.run()
    } catch {
      while let work = queue.take() {
        for slab in work.slabs {
          losses.add(batches: slab.batches.count, failure: GradlogError(error, path: path))
          queue.recycle(slab)
        }
        queue.finish(flush: work.flush)
      }
    }
  }

  private init(
    _ run: RunState, _ options: GradientRecorder.Options, _ queue: SlabQueue,
    _ losses: LossCounter, _ watch: FindingWatch, _ db: Database, _ path: String
  ) throws {
    self.db = db
    self.queue = queue
    self.losses = losses
    self.path = path
    runID = run.runID
    earlier = options.overlap == .replace ? run.lastRecorded : nil
    inserter = try BatchInserter(run: run, capture: options.capture, watch: watch, in: db)
    log = LogWatch(path: path, limit: options.journalSettings.logLimit)
    try db.stopWaitingForLocks()
  }

  private mutating func run() {
    while let work = queue.take() {
      var slabs = work.slabs[...]
      while !slabs.isEmpty { writeTransaction(&slabs) }
      noteLosses()
      queue.finish(flush: work.flush)
    }
  }

  /// Writes the first of `slabs`, up to ``transactionBytes``, in one transaction, and removes them.
  /// A slab is given back as soon as its bytes are in SQLite's hands.
  private mutating func writeTransaction(_ slabs: inout ArraySlice<Slab>) {
    var batchCount = 0
    var bytes = 0
    do {
      let earlierBefore = earlier
      let stepBefore = inserter.nextStep
      do {
        try begin()
        try inserter.beginTransaction()
        while let slab = slabs.first, bytes < Self.transactionBytes {
          slabs.removeFirst()
          batchCount += slab.batches.count
          bytes += slab.used
          defer { queue.recycle(slab) }
          for batch in slab.batches { try insert(batch, of: slab) }
        }
        try inserter.endTransaction()
        try turn.commit(in: db)
      } catch {
        earlier = earlierBefore
        inserter.forgetTransaction(resumingAt: stepBefore + batchCount)
        if db.isInsideTransaction { try? db.rollback() }
        throw error
      }
      log.look(in: db)
    } catch {
      if batchCount == 0 {
        // The file cannot be had at all: the training may need the memory.
        batchCount = slabs.reduce(0) { $0 + $1.batches.count }
        for slab in slabs { queue.recycle(slab) }
        slabs = []
      }
      losses.add(batches: batchCount, failure: GradlogError(error, path: path))
    }
  }

  /// Begins a transaction of this recorder's own file. One that another program keeps locked is waited
  /// for while there is memory for what the training brings.
  private mutating func begin() throws {
    guard !db.fileHasMoved else {
      // What is committed belongs into the file, wherever that is now.
      if !FileOnDisk(path).exists { _ = try? db.checkpoint(.passive) }
      throw GradlogError.moved(path)
    }
    try turn.begin(in: db, mayWait: { !queue.isWaitedFor })
  }

  /// Inserts one batch. One that does not fit the run is counted as lost and leaves nothing behind.
  private mutating func insert(_ batch: PendingBatch, of slab: Slab) throws {
    do {
      try cutOff(at: batch.context)
      for _ in 0..<batch.lostBefore { inserter.skipStep() }
      let droppedValues = try inserter.insert(batch, of: slab)
      guard droppedValues > 0 else { return }
      losses.add(
        values: droppedValues,
        failure: GradlogError(
          .storage, "a gradient of more than 1,000,000,000 bytes does not fit in an SQLite blob",
          remedy: "its statistics are kept; exclude it from the captured values"))
    } catch let error as GradlogError {
      inserter.skipStep()
      losses.add(batches: 1, failure: error)
    }
  }

  /// When a run is recorded again from an earlier batch on, what it held from there on goes.
  private mutating func cutOff(at context: BatchContext) throws {
    guard let last = earlier else { return }
    earlier = nil
    let batch = RecordedBatch(epoch: context.epoch, batch: context.batch)
    guard batch <= last else { return }
    try RunTable.truncate(runID, from: batch, in: db)
    try inserter.reload(resumingAt: RunTable.state(of: runID, in: db).nextStep)
  }

  /// Tells the file of losses that it does not know of; when that fails, the next call tries again.
  private mutating func noteLosses() {
    let current = losses.current
    guard current != noted else { return }
    var fresh = current
    fresh.batches -= noted.batches
    fresh.values -= noted.values
    do {
      try begin()
      try RunTable.noteLosses(fresh, of: runID, in: db)
      try turn.commit(in: db)
      noted = current
    } catch {
      if db.isInsideTransaction { try? db.rollback() }
      losses.add(failure: GradlogError(error, path: path))
    }
  }
}
