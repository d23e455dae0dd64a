internal import GRDB
internal import Gradlog

/// What tells a batch from the others of its run and rank.
struct BatchKey {
  let batchID: Int64
  let epoch: Int64
  let batch: Int64
  let call: Int64
  let step: Int64
  /// Equal for batches of one optimizer.
  let optimizer: Int64
}

/// Numbers for the names of optimizers, the same in both runs.
struct OptimizerNumbers {
  private var numbers: [String: Int64] = [:]

  mutating func number(of name: String) -> Int64 {
    if let number = numbers[name] { return number }
    let number = Int64(numbers.count)
    numbers[name] = number
    return number
  }
}

extension BatchKey {
  /// The batches of a run, in the order of their steps.
  static func all(
    ofRun runID: Int64, in db: Database, _ optimizers: inout OptimizerNumbers
  ) throws -> [BatchKey] {
    let rows = try PreparedStatement(
      """
      SELECT batch_id, epoch, batch, call, step, optimizer FROM batches WHERE run_id = :run
      ORDER BY step, batch_id
      """, on: db)
    try rows.bind(.integer(runID), to: "run")
    var keys: [BatchKey] = []
    while try rows.step() {
      keys.append(
        BatchKey(
          batchID: rows.integer(at: 0), epoch: rows.integer(at: 1), batch: rows.integer(at: 2),
          call: rows.integer(at: 3), step: rows.integer(at: 4),
          optimizer: optimizers.number(of: rows.value(at: 5).text ?? "")))
    }
    return keys
  }

  /// The numbers that two batches have in common when they belong together.
  func place(_ alignment: BatchAlignment) -> (Int64, Int64, Int64, Int64) {
    switch alignment {
    case .epoch: (epoch, batch, optimizer, call)
    case .step: (step, 0, 0, 0)
    }
  }
}

/// Which batches of two runs are held against each other.
///
/// The keys of all batches are kept in memory, some 50 bytes each; gradients are not.
struct BatchMatching {
  /// `batch_id` in either run, in the order of the first run's steps.
  private(set) var pairs: [(a: Int64, b: Int64)] = []
  /// Of the first run alone, by step.
  private(set) var onlyInFirst: [Int64] = []
  /// Of the second run alone, by step.
  private(set) var onlyInSecond: [Int64] = []

  /// Matches the batches of two runs, each in the order of its steps.
  init(_ a: [BatchKey], _ b: [BatchKey], by alignment: BatchAlignment) {
    var partners = [Int?](repeating: nil, count: a.count)
    var isMatched = [Bool](repeating: false, count: b.count)
    Self.forEachMatch(a, b, by: alignment) { first, second in
      partners[first] = second
      isMatched[second] = true
    }
    for (key, partner) in zip(a, partners) {
      if let partner {
        pairs.append((key.batchID, b[partner].batchID))
      } else {
        onlyInFirst.append(key.batchID)
      }
    }
    onlyInSecond = zip(b, isMatched).compactMap { $1 ? nil : $0.batchID }
  }

  /// How many batches belong together.
  static func count(_ a: [BatchKey], _ b: [BatchKey], by alignment: BatchAlignment) -> Int {
    var count = 0
    forEachMatch(a, b, by: alignment) { _, _ in count += 1 }
    return count
  }

  /// Walks through both in the order of what they have in common; of several with the same, the first
  /// belongs to the first.
  private static func forEachMatch(
    _ a: [BatchKey], _ b: [BatchKey], by alignment: BatchAlignment, _ body: (Int, Int) -> Void
  ) {
    let first = order(a, alignment)
    let second = order(b, alignment)
    var (place, other) = (0, 0)
    while place < first.count, other < second.count {
      let key = a[first[place]].place(alignment)
      let otherKey = b[second[other]].place(alignment)
      if key == otherKey {
        body(first[place], second[other])
        place += 1
        other += 1
      } else if key < otherKey {
        place += 1
      } else {
        other += 1
      }
    }
  }

  private static func order(_ keys: [BatchKey], _ alignment: BatchAlignment) -> [Int] {
    // Those of a run come in the order of steps.
    guard alignment == .epoch else { return Array(keys.indices) }
    return keys.indices.sorted { left, right in
      let (first, second) = (keys[left].place(alignment), keys[right].place(alignment))
      return first == second ? left < right : first < second
    }
  }
}
