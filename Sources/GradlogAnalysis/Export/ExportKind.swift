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
    guard let sql = kind.sql(filter) else {
      return try exportValues(filter: filter, to: &writer)
    }
    var values = filter.parameters
    if kind == .weights { values = values.filter { !$0.key.hasPrefix("epoch") } }
    if kind == .batches { values["weight"] = nil }
    return try rows(of: sql, with: values, limit: filter.limit, to: &writer)
  }
}

extension ExportKind {
  /// The SQL of everything but values, which are not rows of the file.
  fileprivate func sql(_ filter: RowFilter) -> String? {
    switch self {
    case .values: nil
    case .statistics:
      """
      SELECT run, rank, stage, epoch, batch, step, optimizer, call, loss, loss_is_nan,
        learning_rate, recorded_at, weight, position, dtype, shape, element_count, absent,
        zero_count, nan_count, posinf_count, neginf_count, finite_count, norm, rms, mean, mean_abs,
        std, min, max, max_abs, sum, sum_abs, sum_squares, abs_p1, abs_p5, abs_p25, abs_median,
        abs_p75, abs_p95, abs_p99, float16_underflow, bfloat16_underflow, float8_e4m3_underflow,
        float8_e5m2_underflow
      FROM gradients WHERE \(filter.conditions(run: "run", weight: "weight", epoch: "epoch"))
      ORDER BY run_id, epoch, batch, optimizer, call, gradient_id
      """
    case .batches:
      """
      SELECT runs.name AS run, rank, stage, epoch, batch, step, optimizer, call, loss, loss_is_nan,
        learning_rate, loss_scale, recorded_at, gradient_count
      FROM runs JOIN batches ON batches.run_id = runs.run_id
      WHERE \(filter.conditions(run: "runs.name", weight: nil, epoch: "epoch"))
      ORDER BY runs.run_id, epoch, batch, optimizer, call
      """
    case .weights:
      """
      SELECT runs.name AS run, rank, position, weights.name AS weight, dtype, shape, element_count
      FROM runs JOIN weights ON weights.run_id = runs.run_id
      WHERE \(filter.conditions(run: "runs.name", weight: "weights.name", epoch: nil))
      ORDER BY runs.run_id, position
      """
    }
  }
}
