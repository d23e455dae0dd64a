internal import GRDB
internal import Gradlog

/// Reads `gradient_series`, which holds what whole-run questions need column by column.
///
/// Only a complete series is read: a file from before there was one, or one that was added to by other
/// means, is asked in SQL.
final class SeriesReader {
  let index: SeriesIndex
  private let db: Database
  private let format: FileFormat
  private let epochs: ClosedRange<Int64>

  /// A series that covers every batch of the runs that are asked for; nil when the file has none.
  init?(_ question: SeriesQuestion, in db: Database) throws {
    let tables = try PreparedStatement(
      "SELECT 1 FROM sqlite_schema WHERE name = 'gradient_series' AND type = 'table'", on: db)
    guard try tables.step() else { return nil }
    self.db = db
    format = try FileFormat(of: db)
    epochs = question.epochs
    index = try SeriesIndex(of: question, in: db)
    guard try isComplete() else { return nil }
  }

  /// Hands over each row, in the order in which the gradients were recorded, with the columns of
  /// numbers that are needed: none is read without need.
  func forEachChunk(
    with columns: SeriesChunk.Columns = [], _ body: (SeriesChunk) throws -> Void
  ) throws {
    let rows = try PreparedStatement(Self.sql(reading: columns, format), on: db)
    let older = columns.contains(.zeroCounts) ? try ZeroCounts(db) : nil
    var layout = SeriesLayout([], index)
    while try rows.step() {
      guard let first = index.index(ofBatch: rows.integer(at: 0)) else { continue }
      let ids = Entries<Int64>(rows.bytes(at: 3))
      let weights = (0..<ids.count).compactMap { index.index(ofWeight: ids[$0]) }
      if weights != layout.weights { layout = SeriesLayout(weights, index) }
      let batches = index.batches[first..<first + Int(rows.integer(at: 1))]
      let firstGradientID = rows.integer(at: 2)
      let isOlder = rows.integer(at: 11) != 0
      func hand(_ zeroCounts: UnsafeRawBufferPointer) throws {
        try body(
          SeriesChunk(
            batches: batches, epochs: epochs, firstGradientID: firstGradientID, layout: layout,
            absent: Entries(rows.bytes(at: 4)), norms: Entries(rows.bytes(at: 5)),
            meansOfNonZero: Entries(rows.bytes(at: 6)), nonFinite: Entries(rows.bytes(at: 7)),
            zeroCounts: Entries(zeroCounts), zeroSlices: Entries(rows.bytes(at: 9)),
            cosines: Entries(rows.bytes(at: 10)), isOlder: isOlder))
      }
      if isOlder, let older {
        try older.read(from: firstGradientID, count: batches.count * ids.count)
          .withUnsafeBytes(hand)
      } else {
        try hand(rows.bytes(at: 8))
      }
    }
  }

  private static func sql(reading columns: SeriesChunk.Columns, _ format: FileFormat) -> String {
    func blob(_ name: String, _ column: SeriesChunk.Columns) -> String {
      columns.contains(column) ? format.selecting(name) : "NULL"
    }
    // Unlike IS NULL, this reads nothing of the blob.
    let isOlder = format.number < 3 ? "1" : "typeof(cosines_blob) = 'null'"
    return """
      SELECT first_batch_id, batch_count, first_gradient_id, weight_ids_blob, absent_blob,
        \(blob("norms_blob", .norms)), \(blob("mean_abs_nonzero_blob", .meansOfNonZero)),
        nonfinite_blob, \(blob("zero_counts_blob", .zeroCounts)),
        \(blob("zero_slices_blob", .zeroSlices)), \(blob("cosines_blob", .cosines)), \(isOlder)
      FROM gradient_series ORDER BY first_gradient_id
      """
  }

  /// Whether the rows cover every batch, and have as many entries as they say.
  private func isComplete() throws -> Bool {
    let newer = ["zero_counts_blob", "zero_slices_blob", "cosines_blob"]
    let lengths = newer.map { format.number < 3 ? "NULL" : "length(\($0))" }.joined(separator: ", ")
    let rows = try PreparedStatement(
      """
      SELECT first_batch_id, batch_count, first_gradient_id, run_id, weight_ids_blob,
        length(norms_blob), length(mean_abs_nonzero_blob), length(absent_blob),
        length(nonfinite_blob), \(lengths)
      FROM gradient_series ORDER BY first_gradient_id
      """, on: db)
    var covered = 0
    var end = 0
    while try rows.step() {
      guard let first = index.index(ofBatch: rows.integer(at: 0)) else { continue }
      guard first >= end, let count = coverage(from: first, rows) else { return false }
      covered += count
      end = first + count
    }
    return covered == index.batches.count { $0.gradientCount > 0 }
  }

  /// The batches that a row covers; nil when it contradicts them or itself.
  private func coverage(from first: Int, _ row: PreparedStatement) -> Int? {
    let ids = Entries<Int64>(row.bytes(at: 4))
    let batchCount = Int(row.integer(at: 1))
    guard (1...index.batches.count - first).contains(batchCount), ids.count > 0 else { return nil }
    let runID = row.integer(at: 3)
    for place in 0..<batchCount {
      let batch = index.batches[first + place]
      guard batch.runID == runID, batch.batchID == index.batches[first].batchID + Int64(place),
        batch.gradientCount == ids.count,
        batch.firstGradientID == row.integer(at: 2) + Int64(place * ids.count)
      else { return nil }
    }
    let knowsWeights = (0..<ids.count).allSatisfy { index.index(ofWeight: ids[$0]) != nil }
    let entries = batchCount * ids.count
    func has(_ column: Int32, _ bytes: Int, isOptional: Bool = false) -> Bool {
      row.real(at: column).map { $0 == Double(bytes * entries) } ?? isOptional
    }
    return knowsWeights && has(5, 8) && has(6, 8) && has(7, 1, isOptional: true)
      && has(8, 24, isOptional: true) && has(9, 8, isOptional: true)
      && has(10, 8, isOptional: true) && has(11, 4, isOptional: true) ? batchCount : nil
  }
}

/// The numbers of a blob, which need no alignment.
struct Entries<Element: BitwiseCopyable> {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var count: Int { bytes.count / MemoryLayout<Element>.size }

  subscript(index: Int) -> Element {
    bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Element>.size, as: Element.self)
  }
}

/// `zero_count` from the rows of gradients, for a part of the series that does not repeat it.
private final class ZeroCounts {
  private let rows: PreparedStatement
  private var counts: [Int64] = []

  init(_ db: Database) throws {
    rows = try PreparedStatement(
      """
      SELECT gradient_id, zero_count FROM gradient_statistics
      WHERE gradient_id >= :first AND gradient_id < :first + :count ORDER BY gradient_id
      """, on: db)
  }

  /// One for each gradient from a key on; 0 when absent.
  func read(from first: Int64, count: Int) throws -> [Int64] {
    counts.removeAll(keepingCapacity: true)
    counts.append(contentsOf: repeatElement(0, count: count))
    rows.reset()
    try rows.bind(.integer(first), to: "first")
    try rows.bind(.integer(Int64(count)), to: "count")
    while try rows.step() { counts[Int(rows.integer(at: 0) - first)] = rows.integer(at: 1) }
    return counts
  }
}
