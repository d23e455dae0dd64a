extension SlabQueue {
  /// Where each slab is, and who waits. What needs the lock of ``SlabQueue`` and nothing else.
  struct State {
    let limits: Limits
    /// A slab with room for more batches.
    var open: Slab?
    /// Slabs without statistics.
    var full: [Slab] = []
    var measuring: Slab?
    /// Slabs with statistics.
    var measured: [Slab] = []
    var free: [Slab] = []

    /// The slabs there are, wherever they are, and the bytes they are counted with.
    var slabCount = 0
    var allocated = 0
    /// Bytes that the writer has not taken.
    var pendingBytes = 0
    /// The size of the last batch: what the next one probably needs.
    var batchBytes = 0

    /// Tickets number the slabs with batches, so that a flush knows what it waits for: those with a
    /// batch that the writer has not taken, and those it has taken and not finished.
    var lastTicket = 0
    var pending: [Int] = []
    var taken: [Int] = []
    /// The last ticket that somebody waits for.
    var flushed = 0

    /// Whether someone waits for a slab.
    var isStarved = false
    /// Whether the statistics wait for a slab that is being filled.
    var isAwaited = false
    var isClosed = false
    /// Whether the statistics have ended.
    var isMeasured = false
    var isAbandoned = false
  }
}

extension SlabQueue.State {
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
        slab.reserve(needed)
        count(slab)
        return slab
      }
      // Too small, with no memory to let it grow: what it has may be what is missing.
      allocated -= slab.account.footprint
      slabCount -= 1
    }
    guard slabCount == 0 || allocated + needed <= limits.memory else { return nil }
    slabCount += 1
    let slab = Slab()
    slab.reserve(needed)
    count(slab)
    return slab
  }

  private mutating func count(_ slab: Slab) {
    allocated += slab.footprint - slab.account.footprint
    slab.account.footprint = slab.footprint
  }

  /// Returns the slab's ticket and whether others should be woken.
  mutating func checkIn(
    _ slab: Slab, _ byteCount: Int, isJudged: Bool
  ) -> (ticket: Int, wakes: Bool) {
    count(slab)
    batchBytes = byteCount
    pendingBytes += byteCount
    let isFirst = slab.account.ticket == 0
    if isFirst {
      lastTicket += 1
      slab.account.ticket = lastTicket
      slab.account.since = monotonicSeconds()
      pending.append(lastTicket)
    }
    if isJudged {
      // The writer waits for the first one, or until it is due.
      measured.append(slab)
      return (slab.account.ticket, measured.count == 1 || isDue(at: slab.account.since))
    }
    return (slab.account.ticket, place(slab, expecting: byteCount) || isFirst)
  }

  mutating func putBack(_ slab: Slab) {
    count(slab)
    if slab.batches.isEmpty {
      free.append(slab)
    } else {
      _ = place(slab, expecting: 0)
    }
  }

  /// Whether it is handed on.
  private mutating func place(_ slab: Slab, expecting byteCount: Int) -> Bool {
    if open == nil, !isAwaited, slab.used + byteCount <= limits.slab {
      open = slab
      return false
    }
    isAwaited = false
    full.append(slab)
    return true
  }

  mutating func takeUnmeasured(at now: Double) -> Slab? {
    if !full.isEmpty {
      measuring = full.removeFirst()
    } else if open != nil, isDue(at: now) {
      measuring = open
      open = nil
    }
    return measuring
  }

  /// When the statistics should look again; nil when they will be woken.
  mutating func nextDeadline(after now: Double) -> Double? {
    if let open { return open.account.since + limits.delay }
    // Another slab with batches than those that wait for the writer is being filled now.
    guard pending.count > measured.count else { return nil }
    guard isDue(at: now) else { return now + limits.delay }
    isAwaited = true
    return nil
  }

  mutating func passOn(_ slab: Slab) {
    measuring = nil
    count(slab)
    measured.append(slab)
  }

  mutating func takeMeasured() -> Slab {
    let slab = measured.removeFirst()
    pendingBytes -= slab.used
    pending.removeAll { $0 == slab.account.ticket }
    taken.append(slab.account.ticket)
    return slab
  }

  mutating func recycle(_ slab: Slab) {
    slab.account.ticket = 0
    free.append(slab)
  }

  /// Whether what waits should be written now.
  func isDue(at now: Double) -> Bool {
    isClosed || isStarved || pendingBytes >= limits.wake || pending.contains { $0 <= flushed }
      || oldest.map { now >= $0 + limits.delay } ?? false
  }

  private var oldest: Double? {
    (measured.first ?? measuring ?? full.first ?? open)?.account.since
  }

  /// Whether the batches that a slab had with a ticket are written or dropped.
  func isFinished(_ ticket: Int) -> Bool {
    !pending.contains(ticket) && !taken.contains(ticket)
  }

  /// Whether every slab up to a ticket is written or dropped.
  func isFinished(through ticket: Int) -> Bool {
    !pending.contains { $0 <= ticket } && !taken.contains { $0 <= ticket }
  }

  /// Batches that the writer has not taken.
  var batchCount: Int {
    let slabs = [open, measuring].compactMap(\.self) + full + measured
    return slabs.reduce(0) { $0 + $1.batches.count }
  }
}
