internal import GRDB
internal import Gradlog

/// Looks at the gradients of one batch after another: their rows, their values, and whether the
/// statistics are those of the values.
final class GradientCheck {
  private let index: RecordingIndex
  private let sample: ValuesSample
  private let log: FaultLog
  private let rows: PreparedStatement
  private let values: PreparedStatement
  private let blobs: BlobReader
  private var recomputer = StatisticsRecomputer()
  private let directions = DirectionCheck()
  /// The last batch in which a weight had a gradient.
  private var lastBatch: [Int64: Int64] = [:]
  private var row: [CellValue]
  private var counts = VerificationSummary()

  /// Where the columns of ``StatisticsComparison/columns`` begin.
  private static let firstStatistic = 8

  init(
    db: Database, format: FileFormat, index: RecordingIndex, sample: ValuesSample, log: FaultLog
  ) throws {
    self.index = index
    self.sample = sample
    self.log = log
    rows = try PreparedStatement(
      """
      SELECT gradient_id, batch_id, weight_id, absent,
        iif(exponents_blob IS NULL OR typeof(exponents_blob) = 'blob'
          AND length(exponents_blob) <= \(StatisticsCheck.longestBlob), exponents_blob, 'no histogram'),
        \(format.selecting(StatisticsCheck.directionColumns)),
        \(StatisticsComparison.columns.joined(separator: ", "))
      FROM gradient_statistics WHERE gradient_id BETWEEN :first AND :last ORDER BY gradient_id
      """, on: db)
    values = try PreparedStatement(
      """
      SELECT gradient_id, substr(encoding, 1, 40), typeof(values_blob), length(values_blob)
      FROM gradient_values WHERE gradient_id BETWEEN :first AND :last ORDER BY gradient_id
      """, on: db)
    blobs = try BlobReader(db)
    row = [CellValue](repeating: .null, count: rows.columns.count)
  }

  /// Adds what was looked at.
  func addCounts(to summary: inout VerificationSummary) {
    summary.gradients += counts.gradients
    summary.gradientsWithValues += counts.gradientsWithValues
    summary.recomputed += counts.recomputed
  }

  /// Checks the gradients of a batch and returns how many rows there are.
  func check(
    _ batch: StoredBatch, runID: Int64, keys: Range<Int64>, at place: Fault.Place
  ) throws -> Int {
    guard !keys.isEmpty else { return 0 }
    directions.begin(optimizer: batch.optimizer)
    for statement in [rows, values] {
      statement.reset()
      try statement.bind(.integer(keys.lowerBound), to: "first")
      try statement.bind(.integer(keys.upperBound - 1), to: "last")
    }
    var stored = try nextValues()
    var count = 0
    while try rows.step() {
      rows.read(into: &row)
      let key = row[0].integer ?? 0
      // Values without statistics are a matter of references.
      while let candidate = stored, candidate.key < key { stored = try nextValues() }
      try checkRow(key, batch, runID, stored.flatMap { $0.key == key ? $0 : nil }, place)
      count += 1
    }
    counts.gradients += count
    return count
  }

  /// A row of `gradient_values`.
  private struct StoredValues {
    let key: Int64
    let encoding: CellValue
    let type: CellValue
    let length: CellValue
  }

  private func nextValues() throws -> StoredValues? {
    guard try values.step() else { return nil }
    return StoredValues(
      key: values.value(at: 0).integer ?? 0, encoding: values.value(at: 1),
      type: values.value(at: 2), length: values.value(at: 3))
  }

  private func checkRow(
    _ key: Int64, _ batch: StoredBatch, _ runID: Int64, _ stored: StoredValues?,
    _ batchPlace: Fault.Place
  ) throws {
    if stored != nil { counts.gradientsWithValues += 1 }
    // A weight that is not there is a matter of references.
    guard let weightID = row[2].integer, let weight = index.weights[weightID] else { return }
    var place = batchPlace
    place.weight = weight.name
    defer { lastBatch[weightID] = batch.batchID }
    if let problem = belongingProblem(weightID, weight, batch, runID) {
      return try log.add(.gradient, at: place, problem)
    }
    if row[3] == .integer(1) { return try checkAbsent(stored, place) }
    guard row[3] == .integer(0) else {
      return try log.add(.gradient, at: place, "absent is \(DisplayText.cell(row[3]))")
    }
    guard let tensor = weight.tensor, let byteCount = weight.byteCount else {
      // A weight that contradicts itself was told already.
      guard weight.dtype == .null else { return }
      return try log.add(.gradient, at: place, "it has statistics, and its weight has no dtype")
    }
    if let problem = stored.flatMap({ Self.problem($0, weight, tensor) }) {
      return try log.add(.values, at: place, problem)
    }
    if let problem = problem(tensor) { return try log.add(.gradient, at: place, problem) }
    guard let encoding = stored?.encoding.text.flatMap(StoredEncoding.init(rawValue:)),
      sample.contains(key), encoding == .dense || encoding == .rows
    else { return directions.skip(weightID: weightID) }
    // Rounded values do not have the statistics of the gradient.
    if encoding == .dense {
      try recompute(key, tensor, byteCount, weightID, place)
    } else {
      directions.skip(weightID: weightID)
      try recomputeRows(key, tensor, Int(stored?.length.integer ?? 0), place)
    }
  }

  /// What is wrong with the statistics of a gradient, whatever the values are; nil when nothing is.
  private func problem(_ tensor: (dtype: DType, shape: [Int], elementCount: Int)) -> String? {
    let cells = row[Self.firstStatistic...]
    let check = StatisticsCheck(cells, blob: row[4], elementCount: tensor.elementCount)
    return check.problem() ?? slices(tensor).problem(zeroCount: row[Self.firstStatistic])
      ?? DirectionCheck.problem(row[7], elementCount: tensor.elementCount)
  }

  private func slices(_ tensor: (dtype: DType, shape: [Int], elementCount: Int)) -> ZeroSliceCheck {
    ZeroSliceCheck(
      rows: row[5], columns: row[6], shape: tensor.shape, elementCount: tensor.elementCount)
  }

  private func belongingProblem(
    _ weightID: Int64, _ weight: RecordingIndex.Weight, _ batch: StoredBatch, _ runID: Int64
  ) -> String? {
    if row[1] != .integer(batch.batchID) {
      return "batch_id is \(DisplayText.cell(row[1])), in the range of batch_id \(batch.batchID)"
    }
    if weight.runID != runID { return "its weight belongs to another run" }
    if lastBatch[weightID] == batch.batchID { return "the batch has two gradients of this weight" }
    return nil
  }

  private func checkAbsent(_ stored: StoredValues?, _ place: Fault.Place) throws {
    if let problem = StatisticsCheck.problem(ofAbsent: row[5...], blob: row[4]) {
      try log.add(.gradient, at: place, problem)
    } else if stored != nil {
      try log.add(.values, at: place, "it is absent, and has values")
    }
  }

  private static func problem(
    _ stored: StoredValues, _ weight: RecordingIndex.Weight,
    _ tensor: (dtype: DType, shape: [Int], elementCount: Int)
  ) -> String? {
    guard let encoding = stored.encoding.text.flatMap(StoredEncoding.init(rawValue:)) else {
      return "the encoding is '\(DisplayText.cell(stored.encoding))'"
    }
    let elementType = encoding.elementType(of: tensor.dtype)
    let byteCount = tensor.elementCount * elementType.byteWidth
    guard stored.type.text == "blob" else {
      return "values_blob is of type \(DisplayText.cell(stored.type))"
    }
    // Rows are looked at when they are read.
    if encoding == .rows { return nil }
    guard stored.length != .integer(Int64(byteCount)) else { return nil }
    let type = "\(elementType.rawValue) \(DisplayText.cell(weight.shape))"
    return "values_blob has \(DisplayText.cell(stored.length)) bytes, \(type) has \(byteCount)"
  }

  private func recompute(
    _ key: Int64, _ tensor: (dtype: DType, shape: [Int], elementCount: Int), _ byteCount: Int,
    _ weightID: Int64, _ place: Fault.Place
  ) throws {
    guard let bytes = try values(key, byteCount, place) else {
      return directions.skip(weightID: weightID)
    }
    let view = try TensorView(dtype: tensor.dtype, shape: tensor.shape, bytes: bytes)
    let direction = directions.problem(row[7], of: view, weightID: weightID)
    try compare(recomputer.run(over: view), tensor, direction, place)
  }

  private func recomputeRows(
    _ key: Int64, _ tensor: (dtype: DType, shape: [Int], elementCount: Int), _ byteCount: Int,
    _ place: Fault.Place
  ) throws {
    guard let bytes = try values(key, byteCount, place) else { return }
    let rows: StoredRows
    do throws(GradlogError) {
      rows = try StoredRows(blob: bytes, dtype: tensor.dtype, shape: tensor.shape)
    } catch {
      return try log.add(.values, at: place, "values_blob has no such rows: \(error.problem)")
    }
    let direction = row[7] == .null ? nil : "cosine is \(DisplayText.cell(row[7])), of rows"
    try compare(recomputer.run(over: rows), tensor, direction, place)
  }

  /// The values of a gradient; nil when SQLite cannot read them, which is logged.
  private func values(
    _ key: Int64, _ byteCount: Int, _ place: Fault.Place
  ) throws -> UnsafeRawBufferPointer? {
    counts.recomputed += 1
    do {
      return try blobs.readWhole(gradient: key, byteCount: byteCount)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
      try log.add(.values, at: place, "SQLite cannot read values_blob: it is damaged")
      return nil
    }
  }

  private func compare(
    _ actual: (statistics: GradientStatistics, exponentsBlob: [UInt8]),
    _ tensor: (dtype: DType, shape: [Int], elementCount: Int), _ direction: String?,
    _ place: Fault.Place
  ) throws {
    guard case .blob(let blob) = row[4] else { return }
    let statistics = StatisticsComparison.problem(
      stored: row[Self.firstStatistic...], blob: blob, actual: actual)
    let problem = statistics ?? slices(tensor).problem(actual: actual.statistics) ?? direction
    if let problem { try log.add(.statistics, at: place, problem) }
  }
}
