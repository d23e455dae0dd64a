internal import Gradlog

extension Recording {
  /// Runs a question: SQL with named parameters, each of which has its default inside the SQL.
  ///
  /// - Parameters:
  ///   - sql: the question.
  ///   - name: what the question is called in messages.
  ///   - filter: what the parameters `:run`, `:weight`, `:epoch_from`, `:epoch_to` and `:limit` are.
  ///     The limit also holds for a question that has no such parameter.
  ///   - settings: values of the other parameters.
  ///   - writer: what receives the rows.
  /// - Returns: the number of rows.
  /// - Throws: ``GradlogError`` for a filter or a setting that the question does not have, a run or a
  ///   weight that does not exist, and whatever SQLite refuses.
  @discardableResult
  public func ask(
    _ sql: String, name: String, filter: RowFilter = RowFilter(),
    settings: [String: CellValue] = [:], to writer: inout some RowWriter
  ) throws -> Int {
    let known = try parameters(of: sql)
    var values = filter.parameters
    for filtered in values.keys.sorted() where !known.contains(filtered) {
      throw GradlogError(
        .invalidArgument, "the question '\(name)' cannot be limited by \(Self.option(filtered))",
        remedy: "leave that out, or write SQL of your own over the view gradients")
    }
    for setting in settings.keys.sorted() where !known.contains(setting) {
      throw GradlogError(
        .invalidArgument, "the question '\(name)' has no parameter '\(setting)'",
        remedy: known.isEmpty
          ? "it has none at all"
          : NearestName.remedy(for: setting, among: known.sorted(), noun: "parameter"))
    }
    try check(filter)
    values.merge(settings) { _, setting in setting }
    if known.contains("limit"), let limit = filter.limit {
      values["limit"] = .integer(Int64(limit))
    }
    let builtIn = CannedQuery.all.first { $0.name == name && $0.sql == sql }
    if let builtIn, let count = try answer(builtIn, with: values, to: &writer) { return count }
    return try rows(of: sql, with: values, limit: filter.limit, to: &writer)
  }

  /// Answers a question from the series; nil, and nothing written, when its SQL has to be run.
  private func answer(
    _ query: CannedQuery, with values: [String: CellValue], to writer: inout some RowWriter
  ) throws -> Int? {
    guard query.seriesAnswer != nil, let rows = try read({ try query.answer(with: values, in: $0) })
    else { return nil }
    try writer.begin(columns: query.columns.map(\.name))
    for row in rows { try writer.write(row) }
    try writer.end()
    return rows.count
  }

  private static func option(_ parameter: String) -> String {
    switch parameter {
    case "epoch_from", "epoch_to": "epoch"
    default: parameter
    }
  }
}
