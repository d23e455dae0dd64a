internal import GRDB
internal import Gradlog

/// Answers `queries/nonfinite.sql`.
struct NonFiniteAnswer: SeriesAnswer {
  init(to question: SeriesQuestion) {}

  private struct Counts {
    var recordedBatches: Int64 = 0
    var nonFiniteBatches: Int64 = 0
    var elements = NonFiniteElements()
    /// Where the first and the last such batch are in the index.
    var first = 0
    var last = 0
  }

  func rows(from series: SeriesReader, _ db: Database) throws -> [[CellValue]] {
    var counts = [Counts](repeating: Counts(), count: series.index.weights.count)
    try series.forEachChunk { chunk in
      if chunk.isFull, chunk.isFinite, chunk.isWhole {
        for weight in chunk.layout.weights {
          counts[weight].recordedBatches += Int64(chunk.batches.count)
        }
      } else {
        Self.count(chunk, into: &counts)
      }
    }
    return counts.indices.filter { place in
      series.index.weights[place].isAskedFor && counts[place].nonFiniteBatches > 0
    }.sorted { one, other in
      let (first, second) = (series.index.weights[one], series.index.weights[other])
      return (first.runID, counts[one].first, second.position)
        < (second.runID, counts[other].first, first.position)
    }.map { Self.row(series.index.weights[$0], counts[$0], series.index) }
  }

  private static func count(_ chunk: SeriesChunk, into counts: inout [Counts]) {
    chunk.forEachBatch { _, position, first in
      for (offset, weight) in chunk.layout.weights.enumerated()
      where !chunk.isAbsent(first + offset) {
        counts[weight].recordedBatches += 1
        let elements = chunk.nonFiniteElements(first + offset)
        guard elements.count > 0 else { continue }
        if counts[weight].nonFiniteBatches == 0 { counts[weight].first = position }
        counts[weight].last = position
        counts[weight].nonFiniteBatches += 1
        counts[weight].elements += elements
      }
    }
  }

  private static func row(
    _ weight: SeriesIndex.Weight, _ counts: Counts, _ index: SeriesIndex
  ) -> [CellValue] {
    let (first, last) = (index.batches[counts.first], index.batches[counts.last])
    let elements = counts.elements
    return weight.cells
      + [
        .integer(counts.nonFiniteBatches), .integer(counts.recordedBatches),
        .integer(elements.nan), .integer(elements.posinf), .integer(elements.neginf),
      ] + first.cells + last.cells + [first.loss.map(CellValue.real) ?? .null]
  }
}

extension NonFiniteElements {
  static func += (total: inout NonFiniteElements, more: NonFiniteElements) {
    total.nan += more.nan
    total.posinf += more.posinf
    total.neginf += more.neginf
  }
}
