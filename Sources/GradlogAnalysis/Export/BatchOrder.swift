internal import GRDB

extension Recording {
  /// Runs a statement about one batch, whose key is its parameter `:batch`, for each batch of a filter
  /// in order of run, epoch and batch.
  ///
  /// One statement over all batches would have to sort millions of rows; the batches alone come
  /// sorted out of their index.
  ///
  /// The run and the epochs of `filter` choose the batches, its weight is the parameter `:weight`.
  /// `begin` gets the columns once; `body` is called at each row and returns false to end the work.
  func forEachRow(
    of sql: String, filter: RowFilter, in db: Database, begin: ([String]) throws -> Void,
    _ body: (PreparedStatement) throws -> Bool
  ) throws {
    let batches = try PreparedStatement(
      """
      SELECT batch_id FROM runs CROSS JOIN batches ON batches.run_id = runs.run_id
      WHERE \(filter.conditions(run: "runs.name", weight: nil, epoch: "epoch"))
      ORDER BY runs.run_id, epoch, batch, optimizer, call
      """, on: db)
    let gradients = try PreparedStatement(sql, on: db)
    for (name, value) in filter.parameters {
      try batches.bind(value, to: name)
      try gradients.bind(value, to: name)
    }
    try begin(gradients.columns)
    while try batches.step() {
      gradients.reset()
      try gradients.bind(batches.value(at: 0), to: "batch")
      while try gradients.step() {
        guard try body(gradients) else { return }
      }
    }
  }
}
