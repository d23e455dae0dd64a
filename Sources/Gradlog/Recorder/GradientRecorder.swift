internal import Dispatch
internal import GRDB
internal import Glibc
internal import Synchronization

/// Records the gradients of a training run into one SQLite file.
///
///     try GradientRecorder.record(to: "runs.db", run: "mlp") { recorder in
///       for (step, batch) in batches.enumerated() {
///         let gradients = model.gradients(batch)
///         recorder.record(epoch: 0, batch: step) { $0.add("dense/kernel", gradients, shape: [2, 1]) }
///       }
///     }
///
/// The training thread pays one copy of the bytes. Statistics, detection and writing happen on
/// threads of the recorder's. Of large gradients whose values are not wanted it computes the
/// statistics instead, which is less work for the machine. Calls may come from any thread; a batch is
/// handed over whole.
///
/// Recording never stops a training: a full disk, a locked file or a tensor that does not fit is
/// said once on stderr, counted in ``losses`` and in the file, and thrown by ``close()``.
public final class GradientRecorder: Sendable {
  private let database: DatabaseQueue
  /// nil with a rollback journal.
  private let checkpointer: Checkpointer?
  private let queue: SlabQueue
  private let counter = LossCounter()
  private let watch: FindingWatch
  private let judge: Judge
  private let initialNorms = InitialNorms()
  private let state: RunState
  private let capture: CapturePlan
  private let claim: OpenRuns.Claim
  private let process = getpid()
  private let isClosed = Atomic(false)
  private let complainedOfFork = Atomic(false)
  /// Batches lost before they reached the writer, since the last one that did.
  private let lostBeforeNext = Atomic(0)

  /// The name of the run.
  public let run: String

  /// Which gradient the run holds.
  public let stage: GradientStage

  /// Whether an overlapping batch replaces what the file holds.
  public let overlap: Options.Overlap

  /// The last batch that the file held of the run when this recorder was opened; nil for a new run.
  public var resumedAfter: RecordedBatch? { state.lastRecorded }

  /// Whether this process was forked from the one that opened the recorder, which cannot be used here.
  package var isForked: Bool { getpid() != process }

  /// What could not be recorded so far.
  public var losses: RecordingLosses {
    getpid() == process ? counter.current : RecordingLosses(failure: Self.forked)
  }

  /// What the rules said so far while this recorder was open, once for each weight, rule and optimizer and again when
  /// that became critical, in order. What began before the run was resumed is said when a batch shows it again. Batches that were
  /// not judged yet are not in it; ``flush()`` waits for them.
  public var findings: [LiveFinding] { getpid() == process ? watch.findings : [] }

  /// The finding that met ``Options/stopOn``: the training should end, best before it takes the step with the batch
  /// that was recorded last. nil while there is none. Batches recorded before are judged.
  public var stopped: LiveFinding? { getpid() == process ? watch.stopped : nil }

  /// Opens a file, creating it if need be, and begins a run in it, or takes the run of that name up
  /// again: its steps go on from the last one, and so does detection, which looks first at what the file holds
  /// of the run. That takes about a second for 5,000,000 gradients, when the first batch was handed over; with
  /// ``Options/stopOn`` the training waits for it.
  ///
  /// - Parameters:
  ///   - path: the SQLite file.
  ///   - name: the name of the run, unique in the file together with the rank.
  ///   - options: how to record.
  /// - Throws: ``GradlogError`` when the file cannot be opened or is not gradlog's, when the run's name
  ///   is empty, and when the run in the file holds gradients of the other stage.
  public init(
    path: String, run name: String, options: Options = Options()
  ) throws(GradlogError) {
    try options.validate(run: name)
    let claim = OpenRuns.Claim(
      run: name, rank: options.rank, path: FileOnDisk(path).absolutePath)
    // Before anything is opened: a file that a forked process takes along must not be.
    try OpenRuns.claim(claim)
    let database: DatabaseQueue
    let checkpointer: Checkpointer?
    let state: RunState
    do {
      database = try DatabaseFile.openForRecording(path, journal: options.journalSettings)
      state = try Self.open(RunIdentity(name, options), in: database)
      checkpointer = try Self.checkpointer(options.journalSettings, of: database)
    } catch {
      OpenRuns.release(claim)
      throw GradlogError(error, path: path)
    }
    let queue = SlabQueue(options.limits)
    let counter = counter
    let watch = FindingWatch(options, run: name)
    let judge = Judge(
      state, resumed: ResumedRun(state, options, path: path), isUrgent: options.stopOn != nil,
      watch: watch)
    DispatchQueue(label: "gradlog.statistics").async { StatisticsStage.run(on: queue, judge) }
    database.asyncWriteWithoutTransaction { db in
      checkpointer?.watch(db)
      Writer.run(
        state, options, from: queue, losses: counter, watch: watch, checkpointer: checkpointer,
        in: db, path: path)
    }
    self.database = database
    self.checkpointer = checkpointer
    self.queue = queue
    self.watch = watch
    self.judge = judge
    self.run = name
    self.state = state
    capture = options.capture
    self.claim = claim
    stage = options.stage
    overlap = options.overlap
  }

  /// Begins the run, and leaves a file in which that is impossible as it was.
  private static func open(_ identity: RunIdentity, in database: DatabaseQueue) throws -> RunState {
    do {
      return try database.write { try RunTable.open(identity, in: $0) }
    } catch {
      try? DatabaseFile.finish(database)
      throw error
    }
  }

  private static func checkpointer(
    _ journal: RecordingJournal, of database: DatabaseQueue
  ) throws -> Checkpointer? {
    guard journal.mode == .wal else { return nil }
    do {
      return try Checkpointer(path: database.path, logLimit: journal.logLimit)
    } catch {
      try? DatabaseFile.finish(database)
      throw error
    }
  }

  deinit {
    guard !isClosed.load(ordering: .acquiring), getpid() == process else { return }
    // Writing here could block or fail where nobody can be told.
    let lost = queue.abandon()
    checkpointer?.abandon()
    OpenRuns.release(claim)
    complain("a recorder was not closed; \(lost) batches are lost; call close()")
  }

  /// Records one batch: `assemble` adds its gradients. Returns when their bytes are copied, or, when
  /// the memory limit is reached, when there is room again.
  ///
  /// - Throws: what `assemble` throws; nothing of the batch is recorded then.
  public func record<Failure: Error>(
    _ context: BatchContext, _ assemble: (inout GradientBatch) throws(Failure) -> Void
  ) throws(Failure) {
    try record(context, borrows: false, assemble)
  }

  /// Records one batch without a copy: gradients given as ``TensorView`` or as buffers are read where
  /// they are, so they must stay as they are until this returns. It returns when the batch is in the
  /// file, where every reader sees it, or counted in ``losses``.
  ///
  /// Worth it when memory is scarcer than time: the training waits for statistics and disk, which
  /// otherwise happen while it goes on. Small gradients and arrays gain nothing; arrays are copied.
  ///
  /// - Throws: what `assemble` throws; nothing of the batch is recorded then.
  public func recordInPlace<Failure: Error>(
    _ context: BatchContext, _ assemble: (inout GradientBatch) throws(Failure) -> Void
  ) throws(Failure) {
    try record(context, borrows: true, assemble)
  }

  private func record<Failure: Error>(
    _ context: BatchContext, borrows: Bool,
    _ assemble: (inout GradientBatch) throws(Failure) -> Void
  ) throws(Failure) {
    guard var batch = try? begin(context, borrows: borrows) else { return }
    do {
      try assemble(&batch)
    } catch {
      discard(batch)
      throw error
    }
    _ = end(batch, context)
  }

  /// Begins a batch that is assembled over several calls, to be given to ``end(_:_:)`` or
  /// ``discard(_:)``.
  ///
  /// - Throws: why the batch is lost; it is counted.
  package func begin(
    _ context: BatchContext, borrows: Bool = false
  ) throws(GradlogError) -> GradientBatch {
    try refuseFork()
    if let failure = context.failure { throw lose(because: failure) }
    guard let slab = queue.checkOut() else {
      let closed = isClosed.load(ordering: .acquiring)
      throw lose(because: closed ? Self.usedAfterClose : Self.full)
    }
    let intake: Intake =
      if borrows { .borrow } else if capture.mayKeepValues(of: context) { .copy } else { .measure }
    return GradientBatch(in: slab, intake)
  }

  /// Hands a batch over. Returns why it counts as lost; nil when it does not.
  package func end(
    _ batch: consuming GradientBatch, _ context: BatchContext
  ) -> GradlogError? {
    if let failure = batch.failure {
      discard(batch)
      return lose(because: failure)
    }
    let bytes = batch.slab.finishBatch(
      context, recordedAt: secondsSince1970(),
      lostBefore: lostBeforeNext.exchange(0, ordering: .relaxed), initialNorms: initialNorms.take())
    let slab = batch.slab
    let ticket =
      judge.isUrgent
      ? judge.judge(slab) { queue.checkIn(slab, batchBytes: bytes, isJudged: true) }
      : queue.checkIn(slab, batchBytes: bytes)
    if batch.intake == .borrow { queue.waitUntilWritten(ticket) }
    return nil
  }

  /// Forgets a batch that was begun.
  package func discard(_ batch: consuming GradientBatch) {
    batch.slab.discardBatch()
    queue.putBack(batch.slab)
  }

  @discardableResult
  private func lose(because failure: GradlogError) -> GradlogError {
    lostBeforeNext.add(1, ordering: .relaxed)
    counter.add(batches: 1, failure: failure)
    return failure
  }

  /// Records one batch; see ``record(_:_:)``.
  ///
  /// - Parameters:
  ///   - epoch: zero-based.
  ///   - batch: zero-based, restarts in each epoch.
  ///   - loss: the loss of the batch, NaN included; nil when unknown.
  ///   - learningRate: the learning rate of the step; nil when unknown.
  ///   - assemble: adds the gradients.
  /// - Throws: what `assemble` throws; nothing of the batch is recorded then.
  public func record<Failure: Error>(
    epoch: Int, batch: Int, loss: Double? = nil, learningRate: Double? = nil,
    _ assemble: (inout GradientBatch) throws(Failure) -> Void
  ) throws(Failure) {
    try record(
      BatchContext(epoch: epoch, batch: batch, loss: loss, learningRate: learningRate), assemble)
  }

  /// Tells how large the values are with which a weight begins, so that the rules can say when the initialization is to
  /// blame. To be called before the first batch that has the weight; later, and for a weight that the run in the file has,
  /// it does nothing, unless the run is replaced from its first batch on.
  ///
  /// - Parameters:
  ///   - norm: Euclidean norm √Σw² of its values. What is negative or no finite number counts as not told.
  ///   - weight: the name under which its gradients are added.
  public func tellInitialNorm(_ norm: Double, of weight: String) {
    guard getpid() == process else { return complainOfFork() }
    initialNorms.tell(norm, of: weight)
  }

  /// Waits until everything recorded before is in the file, where every reader sees it.
  ///
  /// - Throws: the first failure since the recorder was opened.
  public func flush() throws(GradlogError) {
    guard getpid() == process else { throw Self.forked }
    queue.flush()
    if let failure = counter.current.summary { throw failure }
  }

  /// Writes what is left, marks the run as finished and closes the file, which is one plain file
  /// afterwards unless another connection has it open. Closing again does nothing.
  ///
  /// - Throws: the first failure since the recorder was opened, with how much was lost. The file is
  ///   closed all the same.
  public func close() throws(GradlogError) {
    try close(finished: true)
  }

  /// Closes the file as ``close()`` does. A run that is not finished reads as interrupted.
  package func close(finished: Bool) throws(GradlogError) {
    guard getpid() == process else { throw Self.forked }
    guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
    queue.close()
    do {
      // Waits for the writer, which has the connection until it has written everything.
      try database.writeWithoutTransaction { db in
        try endRun(finished: finished, in: db)
      }
    } catch {
      counter.add(failure: GradlogError(error, path: database.path))
    }
    checkpointer?.stop()
    do {
      try DatabaseFile.finish(database)
    } catch {
      counter.add(failure: error)
    }
    watch.close()
    OpenRuns.release(claim)
    if let failure = counter.current.summary { throw failure }
  }

  private func endRun(finished: Bool, in db: Database) throws {
    guard !db.fileHasMoved else { throw GradlogError.moved(database.path) }
    var turn = WriteTurn()
    do {
      try turn.begin(in: db, mayWait: { false })
      if finished {
        try RunTable.finish(state.runID, in: db)
      } else {
        try RunTable.removeIfEmpty(state.runID, in: db)
      }
      try turn.commit(in: db)
    } catch {
      if db.isInsideTransaction { try? db.rollback() }
      throw error
    }
  }

  /// Opens a recorder, calls `body` with it and closes it. When `body` throws, what was recorded is
  /// kept and the run reads as interrupted; a run without a batch is not kept.
  ///
  /// - Throws: what ``init(path:run:options:)``, `body` and ``close()`` throw.
  @discardableResult
  public static func record<Result>(
    to path: String, run: String, options: Options = Options(),
    _ body: (GradientRecorder) throws -> Result
  ) throws -> Result {
    let recorder = try GradientRecorder(path: path, run: run, options: options)
    let result: Result
    do {
      result = try body(recorder)
    } catch {
      try? recorder.close(finished: false)
      throw error
    }
    try recorder.close()
    return result
  }
}

extension GradientRecorder {
  /// - Throws: ``GradlogError`` with code `misuse` in a process forked from the one that opened the
  ///   recorder, which is also said on stderr.
  package func refuseFork() throws(GradlogError) {
    guard isForked else { return }
    complainOfFork()
    throw Self.forked
  }

  /// In a forked child the locks may be held by threads that do not exist there, so nothing is
  /// counted: only said, once.
  private func complainOfFork() {
    if !complainedOfFork.exchange(true, ordering: .relaxed) {
      complain(Self.forked.description)
    }
  }

  private static let forked = GradlogError(
    .misuse, "the recorder was opened in another process, before fork()",
    remedy: "open a recorder in the process that trains")

  private static let usedAfterClose = GradlogError(
    .misuse, "a batch came after the recorder was closed",
    remedy: "close the recorder when the training has ended")

  private static let full = GradlogError(
    .storage, "the disk is slower than the training, and the recorder's memory is used up",
    remedy: "capture fewer values, allow more memory, or let the recorder wait")
}
