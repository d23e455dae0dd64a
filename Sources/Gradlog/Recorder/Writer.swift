internal import GRDB

/// The other end of the ``SlabQueue``: inserts what was judged, on the connection's own queue, until the
/// slab queue is closed.
struct Writer {
  private let db: Database
  private let queue: SlabQueue
  private let losses: LossCounter
  private let watch: FindingWatch
  private let path: String
  private let runID: Int64
  private var inserter: BatchInserter
  /// What the run held when it was taken up again, as long as it may have to be cut off.
  private var earlier: RecordedBatch?
  /// The losses that the file tells of.
  private var noted = RecordingLosses()
  private var turn = WriteTurn()
  /// nil with a rollback journal.
  private let checkpointer: Checkpointer?

  /// Bytes of the disk that batches leave free: how many of them are lost is to be written too.
  private static let reserve = 1 << 20

  /// A transaction is committed when it has taken this many bytes.
  private static let transactionBytes = 16 << 20
  /// And when it has taken so many seconds, as far as whole slabs permit.
  private let transactionSeconds: Double

  /// Records until `queue` is closed. Never throws: what cannot be written is counted as lost.
  static func run(
    _ run: RunState, _ options: GradientRecorder.Options, from queue: SlabQueue,
    losses: LossCounter, watch: FindingWatch, checkpointer: Checkpointer?, in db: Database,
    path: String
  ) {
    do {
      var writer = try Writer(run, options, queue, losses, watch, checkpointer, db, path)
      writer.run()
    } catch {
      while let slab = queue.take() {
        losses.add(batches: slab.batches.count, failure: GradlogError(error, path: path))
        watch.callOut(slab)
        queue.recycle(slab)
        queue.finish()
      }
    }
  }

  private init(
    _ run: RunState, _ options: GradientRecorder.Options, _ queue: SlabQueue,
    _ losses: LossCounter, _ watch: FindingWatch, _ checkpointer: Checkpointer?, _ db: Database,
    _ path: String
  ) throws {
    self.db = db
    self.queue = queue
    self.losses = losses
    self.watch = watch
    self.path = path
    runID = run.runID
    transactionSeconds = options.commitInterval
    earlier = options.overlap == .replace ? run.lastRecorded : nil
    inserter = try BatchInserter(run: run, capture: options.capture, in: db)
    self.checkpointer = checkpointer
    try db.stopWaitingForLocks()
  }

  private mutating func run() {
    while let slab = queue.take() {
      let isWritten = writeTransaction(beginningWith: slab)
      // Each note takes some of the room that is left on a full disk.
      if isWritten || losses.current.batches >= 2 * noted.batches { noteLosses() }
      queue.finish()
    }
    if !queue.isAbandoned { noteLosses() }
  }

  /// Writes a slab and those that follow it closely in one transaction. Returns whether it is committed.
  private mutating func writeTransaction(beginningWith first: Slab) -> Bool {
    var batchCount = 0
    do {
      let earlierBefore = earlier
      do {
        let room = FileOnDisk(path).freeBytes - Self.reserve
        guard first.written <= room else { throw DatabaseError(resultCode: .SQLITE_FULL) }
        try begin()
        try inserter.beginTransaction()
        let deadline = monotonicSeconds() + transactionSeconds
        var bytes = 0
        var next: Slab? = first
        while let slab = next {
          batchCount += slab.batches.count
          bytes += slab.written
          try insert(slab)
          let isLong =
            bytes >= min(Self.transactionBytes, room / 2) || monotonicSeconds() >= deadline
          next = isLong ? nil : queue.takeNext()
        }
        try inserter.endTransaction()
        try turn.commit(in: db)
        inserter.confirmTransaction()
        return true
      } catch {
        earlier = earlierBefore
        inserter.forgetTransaction()
        if db.isInsideTransaction { try? db.rollback() }
        throw error
      }
    } catch {
      if batchCount == 0 { batchCount = drop(first) }
      losses.add(batches: batchCount, failure: GradlogError(error, path: path))
      return false
    }
  }

  /// Gives a slab back as soon as its bytes are in SQLite's hands.
  private mutating func insert(_ slab: Slab) throws {
    defer {
      // After the batches, the first of which may cut off what was found before.
      inserter.takeFindings(of: slab)
      recycle(slab)
    }
    for index in slab.batches.indices { try insertBatch(index, of: slab) }
  }

  /// Gives a slab back when those who watch were told what was found in it.
  private func recycle(_ slab: Slab) {
    watch.callOut(slab)
    queue.recycle(slab)
  }

  /// Drops what waits when the file cannot be had at all: the training may need the memory. Returns how
  /// many batches that were.
  private mutating func drop(_ first: Slab) -> Int {
    var batchCount = 0
    var next: Slab? = first
    while let slab = next {
      batchCount += slab.batches.count
      inserter.takeFindings(of: slab)
      recycle(slab)
      next = queue.takeMeasured()
    }
    return batchCount
  }

  /// Begins a transaction of this recorder's own file. One that another program keeps locked is waited
  /// for while there is memory for what the training brings.
  private mutating func begin() throws {
    guard !db.fileHasMoved else {
      // What is committed belongs into the file, wherever that is now.
      if !FileOnDisk(path).exists { checkpointer?.catchUp() }
      throw GradlogError.moved(path)
    }
    try turn.begin(in: db, mayWait: { !queue.isWaitedFor })
  }

  /// Inserts one batch. One that does not fit the run is counted as lost and leaves nothing behind.
  private mutating func insertBatch(_ index: Int, of slab: Slab) throws {
    do {
      try cutOff(at: slab.batches[index].context)
      if let failure = slab.verdicts[index].failure { throw failure }
      let droppedValues = try inserter.insertBatch(index, of: slab)
      guard droppedValues > 0 else { return }
      losses.add(
        values: droppedValues,
        failure: GradlogError(
          .storage, "a gradient of more than 1,000,000,000 bytes does not fit in an SQLite blob",
          remedy: "its statistics are kept; exclude it from the captured values"))
    } catch let error as GradlogError {
      // What the judge refused was compared with nothing.
      if slab.verdicts[index].failure == nil { inserter.loseBatches() }
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
    try inserter.reloadAfterCut()
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
