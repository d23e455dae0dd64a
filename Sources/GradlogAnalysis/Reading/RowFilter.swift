internal import Gradlog

/// Which part of a recording is asked for.
///
/// Everything, unless a property says otherwise.
public struct RowFilter: Sendable, Equatable {
  /// Name of the run.
  public var run: String?

  /// Pattern of weight names, in the syntax of SQLite's GLOB: `*`, `?`, `[a-z]`.
  public var weight: String?

  /// First epoch, zero-based.
  public var firstEpoch: Int?

  /// Last epoch, itself included.
  public var lastEpoch: Int?

  /// The number of rows after which to stop.
  public var limit: Int?

  /// A filter that lets everything through.
  public init() {}

  /// The values of the SQL parameters that stand for this filter.
  public var parameters: [String: CellValue] {
    var values: [String: CellValue] = [:]
    if let run { values["run"] = .text(run) }
    if let weight { values["weight"] = .text(weight) }
    if let firstEpoch { values["epoch_from"] = .integer(Int64(firstEpoch)) }
    if let lastEpoch { values["epoch_to"] = .integer(Int64(lastEpoch)) }
    return values
  }

  /// The same as the conditions of a WHERE clause over columns called as in the view `gradients`;
  /// `1` when there is none.
  ///
  /// Only what is asked for is written, so that SQLite can use its indexes.
  func conditions(run: String?, weight: String?, epoch: String?) -> String {
    var conditions: [String] = []
    if self.run != nil, let run { conditions.append("\(run) = :run") }
    if self.weight != nil, let weight { conditions.append("\(weight) GLOB :weight") }
    if firstEpoch != nil, let epoch { conditions.append("\(epoch) >= :epoch_from") }
    if lastEpoch != nil, let epoch { conditions.append("\(epoch) <= :epoch_to") }
    return conditions.isEmpty ? "1" : conditions.joined(separator: " AND ")
  }
}

extension Recording {
  /// Checks that the run and the weights of a filter exist.
  ///
  /// - Throws: ``GradlogError`` with the nearest name that does.
  public func check(_ filter: RowFilter) throws {
    if let run = filter.run {
      let names = try runNames()
      guard names.contains(run) else {
        throw GradlogError(
          .notFound, "there is no run '\(run)' in '\(path)'",
          remedy: NearestName.remedy(for: run, among: names, noun: "run"))
      }
    }
    if let pattern = filter.weight { try check(weightPattern: pattern, run: filter.run) }
    if filter.firstEpoch != nil || filter.lastEpoch != nil { try checkEpochs(filter) }
  }

  /// A question about epochs that were never recorded would find nothing, which looks like health.
  private func checkEpochs(_ filter: RowFilter) throws {
    var values: [String: CellValue] = ["from": .integer(Int64(filter.firstEpoch ?? 0))]
    values["to"] = .integer(filter.lastEpoch.map(Int64.init) ?? .max)
    values["run"] = filter.run.map { .text($0) }
    let row = try allRows(
      of: """
        SELECT count(*) FILTER (WHERE epoch BETWEEN :from AND :to), min(epoch), max(epoch)
        FROM (SELECT DISTINCT run_id, epoch FROM batches) JOIN runs USING (run_id)
        WHERE :run IS NULL OR runs.name = :run
        """, with: values
    ).first
    guard let row, let first = row[1].integer, let last = row[2].integer, row[0].integer == 0
    else { return }
    throw GradlogError(
      .notFound, "no batch of these epochs was recorded",
      remedy: "the epochs are \(first) to \(last)")
  }

  private func check(weightPattern pattern: String, run: String?) throws {
    guard Self.closesItsBrackets(pattern) else {
      throw GradlogError(
        .invalidArgument, "the pattern '\(pattern)' has a '[' without its ']'",
        remedy: "close it, as in 'dense_[0-3]/*', or write '[[]' for the bracket itself")
    }
    let names = try weightNames(run: run)
    let matches = try allRows(
      of: "SELECT 1 FROM weights WHERE name GLOB :weight LIMIT 1", with: ["weight": .text(pattern)])
    let ofRun = try run.map { run in
      try !allRows(
        of: """
          SELECT 1 FROM weights JOIN runs USING (run_id)
          WHERE weights.name GLOB :weight AND runs.name = :run LIMIT 1
          """, with: ["weight": .text(pattern), "run": .text(run)]
      ).isEmpty
    }
    guard ofRun ?? !matches.isEmpty else {
      throw GradlogError(
        .notFound, "no weight\(run.map { " of run '\($0)'" } ?? "") matches '\(pattern)'",
        remedy: NearestName.remedy(for: pattern, among: names, noun: "weight"))
    }
  }

  private static func closesItsBrackets(_ pattern: String) -> Bool {
    var rest = Substring(pattern)
    while let open = rest.firstIndex(of: "[") {
      // A bracket right after the opening one, or after the caret, is an ordinary letter.
      var inside = rest[rest.index(after: open)...]
      if inside.first == "^" { inside = inside.dropFirst() }
      inside = inside.dropFirst()
      guard let close = inside.firstIndex(of: "]") else { return false }
      rest = inside[inside.index(after: close)...]
    }
    return true
  }

  /// Names of the runs, in the order in which they began.
  public func runNames() throws -> [String] {
    try allRows(of: "SELECT name FROM runs GROUP BY name ORDER BY min(run_id)")
      .compactMap { $0[0].text }
  }

  /// Names of the weights of one run, or of all, from the input on.
  public func weightNames(run: String? = nil) throws -> [String] {
    try allRows(
      of: """
        SELECT weights.name FROM weights JOIN runs USING (run_id)
        WHERE :run IS NULL OR runs.name = :run GROUP BY weights.name ORDER BY min(position)
        """, with: run.map { ["run": .text($0)] } ?? [:]
    ).compactMap { $0[0].text }
  }
}
