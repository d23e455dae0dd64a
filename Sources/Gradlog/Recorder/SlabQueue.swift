/// The bounded buffer between training threads and the writer.
///
/// A training thread checks a slab out, fills in one batch without holding the lock, and checks it
/// in. The writer takes slabs when enough bytes or time have gathered, and gives them back empty. The
/// lock is held for a few instructions on either side, and the writer is woken once for a group of
/// batches, because a wake costs more than recording a small batch does.
final class SlabQueue: Sendable {
  /// When bytes move on.
  struct Limits: Sendable {
    /// Bytes that all slabs together may take; a single larger batch is still let through.
    var memory: Int
    /// When the memory is used up: wait for the writer, or refuse the batch.
    var waits: Bool
    /// A batch waits at most this many seconds for the writer.
    var delay: Double
    /// With this many bytes waiting, the writer is woken.
    var wake = 16 << 20
    /// A slab takes batches up to this many bytes.
    var slab = 1 << 20
  }

  /// What the writer is to do.
  struct Work {
    /// Slabs with batches, in order.
    let slabs: [Slab]
    /// To be passed to ``SlabQueue/finish(flush:)`` when these are written.
    let flush: Int
  }

  private let state: Monitor<State>

  init(_ limits: Limits) {
    state = Monitor(State(limits: limits))
  }

  /// A slab to assemble one batch in, to be given back with ``checkIn(_:batchBytes:)`` or
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

  /// Hands over a slab with one more batch, of this many bytes.
  func checkIn(_ slab: Slab, batchBytes: Int) {
    if state.withLock({ $0.checkIn(slab, batchBytes) }) { state.notify() }
  }

  /// Returns a slab whose last batch was discarded.
  func putBack(_ slab: Slab) {
    state.withLock { $0.putBack(slab) }
    state.notify()
  }

  /// Waits until everything that was checked in before has been written or dropped.
  func flush() {
    let mine = state.withLock { state in
      state.requestedFlush += 1
      return state.requestedFlush
    }
    state.notify()
    state.wait { $0.finishedFlush >= mine || $0.isAbandoned ? .ready(()) : .wait(until: nil) }
  }

  /// Lets the writer finish what is there and stop; nothing can be checked out afterwards.
  func close() {
    state.withLock { $0.isClosed = true }
    state.notify()
  }

  /// Lets the writer stop at once, and returns how many batches are lost.
  func abandon() -> Int {
    let lost = state.withLock { state in
      state.isClosed = true
      state.isAbandoned = true
      let slabs = state.takeAll()
      return slabs.reduce(0) { $0 + $1.batches.count }
    }
    state.notify()
    return lost
  }

  /// Waits until there is something to write. nil when the queue is closed and empty.
  func take() -> Work? {
    state.wait { state in
      if state.isAbandoned { return .ready(nil) }
      if state.isDue(at: monotonicSeconds()) {
        return .ready(Work(slabs: state.takeAll(), flush: state.requestedFlush))
      }
      if state.isClosed { return .ready(nil) }
      return .wait(until: state.oldest.map { $0 + state.limits.delay })
    }
  }

  /// Whether a training thread waits for the writer, so that the writer must not wait for others.
  var isWaitedFor: Bool {
    state.withLock { $0.isStarved || $0.isClosed || $0.requestedFlush > $0.finishedFlush }
  }

  /// Takes back a slab whose batches have been read.
  func recycle(_ slab: Slab) {
    slab.removeAll()
    state.withLock { $0.free.append(slab) }
    state.notify()
  }

  /// Lets those go on who wait for this flush.
  func finish(flush: Int) {
    state.withLock { $0.finishedFlush = max($0.finishedFlush, flush) }
    state.notify()
  }
}

extension SlabQueue {
  private struct State {
    let limits: Limits
    /// A slab with room for more batches, not yet handed to the writer.
    var open: Slab?
    var full: [Slab] = []
    var free: [Slab] = []
    /// The slabs there are, wherever they are, and the bytes they were counted with.
    var slabCount = 0
    var allocated = 0
    /// Bytes that the writer has not taken.
    var pendingBytes = 0
    /// When the oldest batch that the writer has not taken was checked in, in monotonic seconds.
    var oldest: Double?
    /// The size of the last batch: what the next one probably needs.
    var batchBytes = 0
    /// Whether someone waits for a slab.
    var isStarved = false
    var requestedFlush = 0
    var finishedFlush = 0
    var isClosed = false
    var isAbandoned = false

    mutating func takeOpen() -> Slab? {
      guard !isClosed else { return nil }
      defer { open = nil }
      return open
    }

    /// A slab that was used before, or a new one if the memory limit allows it.
    mutating func takeFree() -> Slab? {
      guard !isClosed else { return nil }
      let needed = max(limits.slab, batchBytes)
      while let slab = free.popLast() {
        let missing = max(0, needed - slab.capacity)
        if missing == 0 || allocated + missing <= limits.memory {
          reserve(slab, needed)
          return slab
        }
        // Too small, with no memory to let it grow: what it has may be what is missing.
        allocated -= slab.capacity
        slabCount -= 1
      }
      guard slabCount == 0 || allocated + needed <= limits.memory else { return nil }
      slabCount += 1
      let slab = Slab()
      reserve(slab, needed)
      return slab
    }

    private mutating func reserve(_ slab: Slab, _ byteCount: Int) {
      allocated -= slab.capacity
      slab.reserve(byteCount)
      allocated += slab.capacity
      slab.countedCapacity = slab.capacity
    }

    private mutating func countGrowth(of slab: Slab) {
      allocated += slab.capacity - slab.countedCapacity
      slab.countedCapacity = slab.capacity
    }

    /// Whether the writer should be woken.
    mutating func checkIn(_ slab: Slab, _ byteCount: Int) -> Bool {
      countGrowth(of: slab)
      batchBytes = byteCount
      let wasAwake = pendingBytes >= limits.wake
      pendingBytes += byteCount
      if open == nil, slab.used + byteCount <= limits.slab {
        open = slab
      } else {
        full.append(slab)
      }
      if oldest == nil {
        oldest = monotonicSeconds()
        return true
      }
      return !wasAwake && pendingBytes >= limits.wake
    }

    mutating func putBack(_ slab: Slab) {
      countGrowth(of: slab)
      if slab.batches.isEmpty {
        free.append(slab)
      } else if open == nil {
        open = slab
      } else {
        full.append(slab)
      }
    }

    func isDue(at now: Double) -> Bool {
      if requestedFlush > finishedFlush { return true }
      guard let oldest else { return false }
      return isClosed || isStarved || pendingBytes >= limits.wake || now >= oldest + limits.delay
    }

    mutating func takeAll() -> [Slab] {
      let slabs = full + (open.map { [$0] } ?? [])
      full.removeAll(keepingCapacity: true)
      open = nil
      oldest = nil
      pendingBytes = 0
      return slabs
    }
  }
}
