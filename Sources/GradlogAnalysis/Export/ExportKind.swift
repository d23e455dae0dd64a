internal import Gradlog

/// What can be taken out of a recording as rows.
public enum ExportKind: String, Sendable, CaseIterable {
  /// One row for each gradient, with every column of the view `gradients` but the blobs and keys.
  case statistics
  /// One row for each element of each gradient whose values were captured.
  case values
  /// One row for each batch.
  case batches
  /// One row for each weight.
  case weights
}

extension Recording {
  /// Writes a part of the recording in constant memory: in order of run, epoch and batch, then of
  /// arrival.
  ///
  /// - Parameters:
  ///   - kind: what is written.
  ///   - filter: which part of it.
  ///   - writer: what receives the rows.
  /// - Returns: the number of rows.
  /// - Throws: ``GradlogError``; whatever `writer` throws.
  @discardableResult
  public func export(
    _ kind: ExportKind, filter: RowFilter = RowFilter(), to writer: inout some RowWriter
  ) throws -> Int {
    try check(filter)
    switch kind {
    case .statistics: return try exportStatistics(filter: filter, to: &writer)
    case .values: return try exportValues(filter: filter, to: &writer)
    case .batches:
      return try rows(of: filter.batches, with: filter.parameters, limit: filter.limit, to: &writer)
    case .weights:
      return try rows(of: filter.weights, with: filter.parameters, limit: filter.limit, to: &writer)
    }
  }

  /// What all gradients of a batch have in common is read and formatted once, not for each of them.
  private static let batchColumns = [
    "runs.name AS run", "rank", "stage", "epoch", "batch", "step", "optimizer", "call", "loss",
    "loss_is_nan", "learning_rate", "recorded_at",
  ]

  private static let gradientColumns = [
    "weight", "position", "dtype", "shape", "element_count", "absent", "zero_count", "zero_rows",
    "zero_columns", "cosine", "nan_count", "posinf_count", "neginf_count", "finite_count", "norm",
    "rms", "mean", "mean_abs", "std", "min", "max", "max_abs", "sum", "sum_abs", "sum_squares",
    "abs_p1", "abs_p5", "abs_p25", "abs_median", "abs_p75", "abs_p95", "abs_p99",
    "float16_underflow", "bfloat16_underflow", "float8_e4m3_underflow", "float8_e5m2_underflow",
  ]

  private func exportStatistics(filter: RowFilter, to writer: inout some RowWriter) throws -> Int {
    let weights = filter.conditions(run: nil, weight: "weight", epoch: nil)
    return try read { db in
      let columns = try FileFormat(of: db).selecting(Self.gradientColumns)
      let sql = """
        SELECT \(columns) FROM gradients
        WHERE batch_id = :batch AND \(weights) ORDER BY gradient_id
        """
      var rows = RowBlock(columnCount: 0)
      var count = 0
      let begin = { (batch: [String], gradient: [String]) in
        let columns = batch + gradient
        rows = RowBlock(columnCount: columns.count, leadingCount: batch.count)
        try writer.begin(columns: columns)
      }
      try forEachRow(
        of: sql, batchColumns: Self.batchColumns, filter: filter, in: db, begin: begin
      ) { batch, gradient, isFirst in
        guard count < filter.limit ?? .max else { return false }
        let repeats = !isFirst && rows.rowCount > 0
        rows.beginRow(repeating: repeats)
        if !repeats { batch.appendCells(from: 1, to: rows) }
        gradient.appendCells(to: rows)
        if rows.isFull { try writer.write(&rows) }
        count += 1
        return true
      }
      try writer.write(&rows)
      try writer.end()
      return count
    }
  }
}

extension RowFilter {
  /// The batches, which have no weight.
  fileprivate var batches: String {
    """
    SELECT runs.name AS run, rank, stage, epoch, batch, step, optimizer, call, loss, loss_is_nan,
      learning_rate, loss_scale, recorded_at, gradient_count
    FROM runs CROSS JOIN batches ON batches.run_id = runs.run_id
    WHERE \(conditions(run: "runs.name", weight: nil, epoch: "epoch"))
    ORDER BY runs.run_id, epoch, batch, optimizer, call
    """
  }

  /// The weights, which have no epoch.
  fileprivate var weights: String {
    """
    SELECT runs.name AS run, rank, position, weights.name AS weight, dtype, shape, element_count
    FROM runs JOIN weights ON weights.run_id = runs.run_id
    WHERE \(conditions(run: "runs.name", weight: "weights.name", epoch: nil))
    ORDER BY runs.run_id, position
    """
  }
}
