internal import Dispatch
internal import GRDB
internal import Gradlog

/// Answers `queries/by-depth.sql`.
struct DepthAnswer: SeriesAnswer {
  init(to question: SeriesQuestion) {}

  /// What the norms of one weight are like.
  fileprivate struct Profile {
    var count = 0
    var smallest = 0.0
    var largest = 0.0
    var median = 0.0
    /// How many of the norms that equal the median come before the one that is it.
    var equalBefore = 0
    /// The key of that gradient.
    var medianGradientID: Int64 = 0
  }

  func rows(from series: SeriesReader, _ db: Database) throws -> [[CellValue]] {
    var profiles = Self.profiles(try norms(of: series))
    try findMedians(&profiles, series)
    let rms = try PreparedStatement(
      "SELECT rms FROM gradient_statistics WHERE gradient_id = :key", on: db)
    var rows: [[CellValue]] = []
    for (weight, profile) in zip(series.index.weights, profiles) where profile.count > 0 {
      rms.reset()
      try rms.bind(.integer(profile.medianGradientID), to: "key")
      let medianRMS = try rms.step() ? rms.value(at: 0) : .null
      rows.append(
        weight.cells
          + [
            weight.shape, .integer(Int64(profile.count)), .real(profile.median),
            .real(profile.smallest), .real(profile.largest), medianRMS,
          ])
    }
    return rows
  }

  /// The norms of each weight that is asked for.
  private func norms(of series: SeriesReader) throws -> [[Double]] {
    let weights = series.index.weights
    var norms = [[Double]](repeating: [], count: weights.count)
    try series.forEachChunk(with: .norms) { chunk in
      chunk.forEachBatch { _, _, first in
        for (offset, weight) in chunk.layout.weights.enumerated() where weights[weight].isAskedFor {
          let norm = chunk.norms[first + offset]
          if !norm.isNaN { norms[weight].append(norm) }
        }
      }
    }
    return norms
  }

  /// Weights are independent of each other, so all cores share them.
  private static func profiles(_ norms: [[Double]]) -> [Profile] {
    [Profile](unsafeUninitializedCapacity: norms.count) { profiles, count in
      nonisolated(unsafe) let places = profiles
      DispatchQueue.concurrentPerform(iterations: norms.count) { place in
        places.initializeElement(at: place, to: Profile(of: norms[place]))
      }
      count = norms.count
    }
  }

  /// Looks for the gradients whose norms are the medians.
  private func findMedians(_ profiles: inout [Profile], _ series: SeriesReader) throws {
    try series.forEachChunk(with: .norms) { chunk in
      chunk.forEachBatch { _, _, first in
        for (offset, weight) in chunk.layout.weights.enumerated()
        where chunk.norms[first + offset] == profiles[weight].median && profiles[weight].count > 0 {
          if profiles[weight].equalBefore == 0 {
            profiles[weight].medianGradientID = chunk.row.firstGradientID + Int64(first + offset)
          }
          profiles[weight].equalBefore -= 1
        }
      }
    }
  }
}

extension DepthAnswer.Profile {
  fileprivate init(of norms: [Double]) {
    guard !norms.isEmpty else { return }
    var sorted = norms
    let place = (norms.count - 1) / 2
    count = norms.count
    median = sorted.withUnsafeMutableBufferPointer { $0.partition(around: place) }
    smallest = norms.min() ?? 0
    largest = norms.max() ?? 0
    equalBefore = place - norms.count { $0 < median }
  }
}

extension UnsafeMutableBufferPointer<Double> {
  /// Moves what is smaller than the element of a place in the sorted order before it, what is larger
  /// behind it, and returns that element. C. A. R. Hoare, "Algorithm 65: Find", CACM 4(7), 1961.
  fileprivate func partition(around place: Int) -> Double {
    var (low, high) = (0, count - 1)
    while low < high {
      let pivot = medianOfThree(low, high)
      var (left, right) = (low, high)
      while left <= right {
        while self[left] < pivot { left += 1 }
        while pivot < self[right] { right -= 1 }
        if left <= right {
          swapAt(left, right)
          left += 1
          right -= 1
        }
      }
      if right < place { low = left }
      if place < left { high = right }
    }
    return self[place]
  }

  private func medianOfThree(_ low: Int, _ high: Int) -> Double {
    let (first, middle, last) = (self[low], self[low + (high - low) / 2], self[high])
    return Swift.max(Swift.min(first, middle), Swift.min(Swift.max(first, middle), last))
  }
}
