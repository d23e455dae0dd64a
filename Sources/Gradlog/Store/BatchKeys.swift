/// Which `batch_id` each batch has in the file, by the numbers that the ``Judge`` gave them in order. Batches that are
/// lost have none. The keys of batches that the run held before are their numbers.
struct BatchKeys {
  /// The largest number of a batch that the run held before.
  private let lastEarlier: Int64
  /// The last batch that it held before and still holds; 0 for none.
  var lastKept: Int64
  /// Batches of consecutive numbers with consecutive keys.
  fileprivate struct Stretch {
    let number: Int64
    let batchID: Int64
    var count: Int64 = 1
  }

  private var stretches: [Stretch] = []
  /// How many batches have a key.
  private(set) var length: Int64 = 0

  /// Knows the batches of a run up to a key.
  init(upTo last: Int64 = 0) {
    lastEarlier = last
    lastKept = last
  }

  /// Takes the key of a batch that was inserted: numbers only grow.
  mutating func append(_ batchID: Int64, of number: Int64) {
    length += 1
    if let last = stretches.last, number == last.number + last.count,
      batchID == last.batchID + last.count
    {
      stretches[stretches.count - 1].count += 1
    } else {
      stretches.append(Stretch(number: number, batchID: batchID))
    }
  }

  /// Forgets what was appended since it was so long, because that is lost.
  mutating func cut(to length: Int64) {
    var surplus = self.length - length
    while surplus > 0, let last = stretches.last {
      let removed = min(surplus, last.count)
      stretches[stretches.count - 1].count -= removed
      if removed == last.count { stretches.removeLast() }
      surplus -= removed
    }
    self.length = length
  }

  /// The key of a batch, or of the next one that the file holds; nil when there is none.
  func first(from number: Int64) -> Int64? {
    if number > 0, number <= lastEarlier { return number }
    let place = place(of: number)
    if place > 0, let batchID = stretches[place - 1].batchID(of: number) { return batchID }
    return place < stretches.count ? stretches[place].batchID : nil
  }

  /// The key of a batch, or of the last one before it that the file holds; nil when there is none.
  func last(upTo number: Int64) -> Int64? {
    if number > 0, number <= lastEarlier { return number }
    let place = place(of: number)
    guard place > 0 else { return lastKept > 0 ? lastKept : nil }
    let stretch = stretches[place - 1]
    return stretch.batchID(of: number) ?? stretch.batchID + stretch.count - 1
  }

  /// How many stretches begin at or before a number.
  private func place(of number: Int64) -> Int {
    var (low, high) = (0, stretches.count)
    while low < high {
      let middle = (low + high) / 2
      if stretches[middle].number <= number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension BatchKeys.Stretch {
  fileprivate func batchID(of number: Int64) -> Int64? {
    number < self.number + count ? batchID + number - self.number : nil
  }
}
