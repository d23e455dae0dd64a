internal import GRDB
internal import Gradlog

/// What is asked of a series: the parameters of a question of `queries/`, read once.
///
/// A parameter that is NULL or missing takes the default that stands in the question's SQL.
struct SeriesQuestion {
  private let values: [String: CellValue]

  init(_ values: [String: CellValue]) {
    self.values = values
  }

  /// Whether every parameter has the type that it is declared with; SQL alone knows what others mean.
  func agrees(with parameters: [CannedQuery.Parameter]) -> Bool {
    parameters.allSatisfy { parameter in
      switch (values[parameter.name] ?? .null, parameter.type) {
      case (.null, _), (.text, "TEXT"), (.integer, "INTEGER"), (.integer, "REAL"), (.real, "REAL"):
        true
      default: false
      }
    }
  }

  /// A parameter that is a number.
  func real(_ name: String, or default: Double) -> Double { values[name]?.real ?? `default` }

  /// A parameter that is an integer.
  func integer(_ name: String, or default: Int) -> Int {
    values[name]?.integer.map(Int.init) ?? `default`
  }

  /// The epochs that are asked for.
  var epochs: ClosedRange<Int64> {
    let first = values["epoch_from"]?.integer ?? 0
    return first...max(first, values["epoch_to"]?.integer ?? .max)
  }

  /// The most rows of an answer; nil for all.
  var limit: Int? {
    values["limit"]?.integer.flatMap { $0 < 0 ? nil : Int($0) }
  }

  /// Gives `:run` and `:weight` their values.
  func bindFilter(to statement: PreparedStatement) throws {
    for name in ["run", "weight"] {
      if let value = values[name] { try statement.bind(value, to: name) }
    }
  }
}
