/// The runs that are read.
package enum RunScope: Sendable {
  /// Every run.
  case all
  /// All ranks of the run of this name.
  case named(String)
  /// One run, by its key.
  case one(Int64)

  /// What SQL asks of `run_id`.
  package var condition: String {
    switch self {
    case .all: "1"
    case .named: "run_id IN (SELECT run_id FROM runs WHERE name = :run)"
    case .one: "run_id = :run"
    }
  }

  /// Gives the parameter of ``condition`` its value.
  package func bind(to statement: PreparedStatement) throws {
    switch self {
    case .all: break
    case .named(let name): try statement.bind(name, to: "run")
    case .one(let runID): try statement.bind(runID, to: "run")
    }
  }
}
