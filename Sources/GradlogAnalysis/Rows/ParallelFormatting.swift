internal import Dispatch
internal import Gradlog

/// Formats blocks of rows on a second thread, while the caller reads the next ones and writes the
/// bytes of those before: the order stays, and all that can fail is the caller's.
final class ParallelFormatting {
  /// Appends the rows of a block to an output.
  typealias Format = @Sendable (RowBlock, ByteOutput) -> Void

  /// A block and its bytes. Whose it is, `isFormatted` says: the caller's when it is true.
  private struct Station {
    var rows: RowBlock
    let bytes = ByteOutput { _ in }
    var isFormatted = true
  }

  private let format: Format
  private let stations: [Monitor<Station>]
  private let formatter = DispatchQueue(label: "gradlog.formatter", qos: .userInitiated)
  private var next = 0

  /// - Parameters:
  ///   - block: one that has the columns of all that will be taken.
  ///   - format: called on another thread, for one block after the other.
  init(like block: RowBlock, format: @escaping Format) {
    self.format = format
    // One is formatted, one waits for that, one is written.
    stations = (0..<3).map { _ in
      let rows = RowBlock(columnCount: block.columnCount, leadingCount: block.leadingCount)
      return Monitor(Station(rows: rows))
    }
  }

  /// Takes the rows, which are empty afterwards, and passes bytes of earlier ones to `output`.
  func take(_ rows: inout RowBlock, to output: ByteOutput) throws {
    let station = stations[next]
    next = (next + 1) % stations.count
    try pass(station, to: output)
    station.withLock {
      swap(&$0.rows, &rows)
      $0.isFormatted = false
    }
    formatter.async { [format] in
      station.withLock {
        format($0.rows, $0.bytes)
        $0.rows.removeAll()
        $0.isFormatted = true
      }
      station.notify()
    }
  }

  /// Passes on the bytes of all rows that were taken.
  func finish(to output: ByteOutput) throws {
    for offset in stations.indices {
      try pass(stations[(next + offset) % stations.count], to: output)
    }
  }

  private func pass(_ station: Monitor<Station>, to output: ByteOutput) throws {
    let bytes = station.wait { $0.isFormatted ? .ready($0.bytes) : .wait(until: nil) }
    defer { bytes.removeAll() }
    try bytes.withBytes { try output.pass($0) }
  }
}
