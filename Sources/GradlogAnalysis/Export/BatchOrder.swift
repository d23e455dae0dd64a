internal import GRDB
internal import Gradlog

extension Recording {
  /// Runs a statement about one batch, whose key is its parameter `:batch`, for each batch of a filter
  /// in order of run, epoch and batch.
  ///
  /// One statement over all batches would have to sort millions of rows; the batches alone come
  /// sorted out of their index.
  ///
  /// - Parameters:
  ///   - sql: the statement.
  ///   - batchColumns: what is selected of a batch and its run, after the batch's key.
  ///   - filter: its run and epochs choose the batches, its weight is the parameter `:weight`.
  ///   - db: the open file.
  ///   - begin: gets the columns that are selected of a batch, then those of the statement, once.
  ///   - body: is called at each row with the row of its batch, and whether it is the first of
  ///     that; returns false to end the work.
  /// - Throws: what SQLite, `begin` and `body` throw.
  func forEachRow(
    of sql: String, batchColumns: [String] = [], filter: RowFilter, in db: Database,
    begin: (_ batch: [String], _ row: [String]) throws -> Void,
    _ body: (_ batch: PreparedStatement, _ row: PreparedStatement, Bool) throws -> Bool
  ) throws {
    let selected = (["batch_id"] + batchColumns).joined(separator: ", ")
    let batches = try PreparedStatement(
      """
      SELECT \(selected) FROM runs CROSS JOIN batches ON batches.run_id = runs.run_id
      WHERE \(filter.conditions(run: "runs.name", weight: nil, epoch: "epoch"))
      ORDER BY runs.run_id, epoch, batch, optimizer, call
      """, on: db)
    let gradients = try PreparedStatement(sql, on: db)
    for (name, value) in filter.parameters {
      try batches.bind(value, to: name)
      try gradients.bind(value, to: name)
    }
    try begin(Array(batches.columns.dropFirst()), gradients.columns)
    while try batches.step() {
      gradients.reset()
      try gradients.bind(batches.value(at: 0), to: "batch")
      var isFirst = true
      while try gradients.step() {
        guard try body(batches, gradients, isFirst) else { return }
        isFirst = false
      }
    }
  }
}
