public import Gradlog
internal import GradlogQueries

/// A question to a recording: one SQL statement, and what its header says about it.
///
/// The form of the header is described in `queries/README.md`.
public struct CannedQuery: Sendable, Equatable {
  /// A named parameter of the statement; unbound it is NULL, and the statement takes the default.
  public struct Parameter: Sendable, Equatable {
    /// The name as in the SQL, without the colon.
    public let name: String
    /// `TEXT`, `INTEGER` or `REAL`.
    public let type: String
    /// What the statement uses when the parameter is NULL, as SQL; `NULL` when it makes no choice.
    public let `default`: String
    /// What it does, and where the default comes from.
    public let meaning: String
  }

  /// A column of the result.
  public struct Column: Sendable, Equatable {
    /// The name as in the result.
    public let name: String
    /// `TEXT`, `INTEGER` or `REAL`.
    public let type: String
    /// The unit of the values; empty when there is none.
    public let unit: String
    /// What it says, and what NULL means where there can be NULL.
    public let meaning: String
  }

  /// The name of the file without `.sql`.
  public let name: String
  /// The question in one line; empty when the header has none.
  public let title: String
  /// What the answer means and when it lies; empty when the header has none.
  public let explanation: String
  /// The parameters that the header declares, in its order.
  public let parameters: [Parameter]
  /// The columns that the header declares, in the order of the result.
  public let columns: [Column]
  /// The whole text of the file, header included.
  public let sql: String

  /// Reads the header of a query, which may be missing.
  ///
  /// - Parameters:
  ///   - name: What to call the query, the name of its file without `.sql` for instance.
  ///   - sql: The text of the file.
  /// - Throws: ``GradlogError`` with code `invalidData` when a header line has a mistake.
  public init(name: String, sql: String) throws(GradlogError) {
    let header = try QueryHeader(of: sql, named: name)
    self.name = name
    self.title = header.title
    self.explanation = header.explanation
    self.parameters = header.parameters
    self.columns = header.columns
    self.sql = sql
  }

  /// The questions that come with gradlog, the most general first.
  ///
  /// A test reads every header, so none is missing here.
  public static let all: [CannedQuery] = BuiltInQueries.all.compactMap {
    try? CannedQuery(name: $0.name, sql: $0.sql)
  }

  /// Finds a question that comes with gradlog.
  ///
  /// - Parameter name: The name of its file without `.sql`.
  /// - Returns: The question.
  /// - Throws: ``GradlogError`` with code `notFound`, which names the nearest question and all others.
  public static func named(_ name: String) throws(GradlogError) -> CannedQuery {
    if let query = all.first(where: { $0.name == name }) {
      return query
    }
    throw GradlogError(
      .notFound, "there is no question \"\(name)\"",
      remedy: NearestName.remedy(for: name, among: all.map(\.name).sorted(), kind: "questions"))
  }
}
