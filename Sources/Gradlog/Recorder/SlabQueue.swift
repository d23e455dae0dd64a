/// The bounded buffer between training threads, the statistics and the writer.
///
///     checkOut → checkIn      takeToMeasure → passOn      take, takeNext → recycle → finish
///     (training threads)      (``StatisticsStage``)       (``Writer``)
///
/// What the training thread has had judged goes past the statistics to the writer.
///
/// A training thread checks a slab out, fills in one batch without holding the lock, and checks it in.
/// A slab that is full, or that has waited long enough, goes on to the statistics and then to the
/// writer, which gives it back empty. The lock is held for a few instructions, and others are woken for
/// a slab rather than for a batch, because a wake costs more than recording a small batch does.
final class SlabQueue: Sendable {
  /// When bytes move on.
  struct Limits: Sendable {
    /// Bytes that all slabs together may take; a single larger batch is still let through.
    var memory: Int
    /// When the memory is used up: wait for the writer, or refuse the batch.
    var waits: Bool
    /// A batch waits at most this many seconds for the writer.
    var delay: Double
    /// With this many bytes waiting, the writer begins.
    var wake = 4 << 20
    /// A slab takes batches up to this many bytes.
    var slab = 1 << 20
  }

  private let state: Monitor<State>

  init(_ limits: Limits) {
    state = Monitor(State(limits: limits))
  }

  // MARK: Training threads

  /// A slab to assemble one batch in, to be given back with ``checkIn(_:batchBytes:isJudged:)`` or
  /// ``putBack(_:)``. nil when the queue is closed, or when it is full and does not wait.
  func checkOut() -> Slab? {
    if let slab = state.withLock({ $0.takeOpen() ?? $0.takeFree() }) { return slab }
    return state.wait { state in
      if state.isClosed { return .ready(nil) }
      if let slab = state.takeOpen() ?? state.takeFree() {
        state.isStarved = false
        return .ready(slab)
      }
      guard state.limits.waits else { return .ready(nil) }
      if !state.isStarved {
        state.isStarved = true
        self.state.notify()
      }
      return .wait(until: nil)
    }
  }

  /// Hands over a slab with one more batch, of this many bytes. Returns what ``waitUntilWritten(_:)`` takes.
  @discardableResult
  func checkIn(_ slab: Slab, batchBytes: Int, isJudged: Bool = false) -> Int {
    let (ticket, wakes) = state.withLock { $0.checkIn(slab, batchBytes, isJudged: isJudged) }
    if wakes { state.notify() }
    return ticket
  }

  /// Waits until a slab that was checked in has been written or dropped.
  func waitUntilWritten(_ ticket: Int) {
    state.withLock { $0.flushed = max($0.flushed, ticket) }
    state.notify()
    wait(until: { $0.isFinished(ticket) })
  }

  /// Returns a slab whose last batch was discarded.
  func putBack(_ slab: Slab) {
    state.withLock { $0.putBack(slab) }
    state.notify()
  }

  /// Waits until everything that was checked in before has been written or dropped.
  func flush() {
    let last = state.withLock { state in
      state.flushed = state.lastTicket
      return state.lastTicket
    }
    state.notify()
    wait(until: { $0.isFinished(through: last) })
  }

  private func wait(until holds: (State) -> Bool) {
    state.wait { holds($0) || $0.isAbandoned ? .ready(()) : .wait(until: nil) }
  }

  /// Lets the others finish what is there and stop; nothing can be checked out afterwards.
  func close() {
    state.withLock { $0.isClosed = true }
    state.notify()
  }

  /// Lets the others stop at once, and returns how many batches are lost.
  func abandon() -> Int {
    let lost = state.withLock { state in
      state.isClosed = true
      state.isAbandoned = true
      return state.batchCount
    }
    state.notify()
    return lost
  }

  // MARK: Statistics

  /// Waits for a slab whose statistics are to be computed; nil when the queue is closed and empty.
  func takeToMeasure() -> Slab? {
    state.wait { state in
      let now = monotonicSeconds()
      if !state.isAbandoned, let slab = state.takeUnmeasured(at: now) { return .ready(slab) }
      if state.isClosed {
        state.isMeasured = true
        self.state.notify()
        return .ready(nil)
      }
      return .wait(until: state.nextDeadline(after: now))
    }
  }

  /// Hands a slab with its statistics on to the writer.
  func passOn(_ slab: Slab) {
    state.withLock { $0.passOn(slab) }
    state.notify()
  }

  // MARK: The writer

  /// Waits until enough bytes or time have gathered, and returns the first slab to be written; nil when
  /// the queue is closed and empty.
  func take() -> Slab? {
    state.wait { state in
      if state.isAbandoned { return .ready(nil) }
      guard let first = state.measured.first else {
        return state.isMeasured ? .ready(nil) : .wait(until: nil)
      }
      if state.isDue(at: monotonicSeconds()) { return .ready(state.takeMeasured()) }
      return .wait(until: first.account.since + state.limits.delay)
    }
  }

  /// A slab that could be written now; nil when there is none.
  func takeMeasured() -> Slab? {
    state.withLock { $0.measured.isEmpty ? nil : $0.takeMeasured() }
  }

  /// The next slab that is on its way to the writer; nil when there is none.
  func takeNext() -> Slab? {
    state.wait { state in
      if state.isAbandoned { return .ready(nil) }
      if !state.measured.isEmpty { return .ready(state.takeMeasured()) }
      return state.full.isEmpty && state.measuring == nil ? .ready(nil) : .wait(until: nil)
    }
  }

  /// Whether someone waits for the writer, so that the writer must not wait for others.
  var isWaitedFor: Bool {
    state.withLock { $0.isStarved || $0.isClosed || !$0.isFinished(through: $0.flushed) }
  }

  /// Whether nobody waits for what is written any more.
  var isAbandoned: Bool { state.withLock { $0.isAbandoned } }

  /// Takes back a slab whose batches have been read.
  func recycle(_ slab: Slab) {
    slab.removeAll()
    state.withLock { $0.recycle(slab) }
    state.notify()
  }

  /// Lets those go on who wait for what was taken: it is in the file, or counted as lost.
  func finish() {
    state.withLock { $0.taken.removeAll(keepingCapacity: true) }
    state.notify()
  }
}
