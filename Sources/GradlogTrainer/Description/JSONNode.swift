internal import Gradlog

/// Any JSON value.
///
/// Descriptions are read by way of this rather than of `Decodable`, whose errors name a place but not the
/// value that was found there; a person needs both.
enum JSONValue: Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

/// A JSON value and where it stands, such as `layers[1].activation`.
struct JSONNode {
  let value: JSONValue
  let path: String

  /// The value as a message shows it.
  var shown: String {
    switch value {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .number(let value):
      value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    case .string(let value): "\"\(value)\""
    case .array(let values): "a list of \(values.count)"
    case .object: "an object"
    }
  }

  /// An error that names this place and its value: "layers[1].units is "many", which is not …".
  func failure(_ complaint: String, remedy: String) -> GradlogError {
    GradlogError(.invalidData, "\(path) is \(shown), \(complaint)", remedy: remedy)
  }

  /// The keys of an object with what stands there, nulls left out: null means "not given".
  func members() throws(GradlogError) -> [String: JSONNode] {
    guard case .object(let members) = value else {
      throw failure("which is not an object", remedy: "write {…} there")
    }
    var nodes: [String: JSONNode] = [:]
    for (key, value) in members where value != .null {
      nodes[key] = JSONNode(value: value, path: path.isEmpty ? key : "\(path).\(key)")
    }
    return nodes
  }

  /// The elements of a list.
  func elements() throws(GradlogError) -> [JSONNode] {
    guard case .array(let values) = value else {
      throw failure("which is not a list", remedy: "write […] there")
    }
    return values.enumerated().map { JSONNode(value: $1, path: "\(path)[\($0)]") }
  }

  func string() throws(GradlogError) -> String {
    guard case .string(let value) = value else {
      throw failure("which is not a text", remedy: "write a text in double quotes")
    }
    return value
  }

  func number() throws(GradlogError) -> Double {
    guard case .number(let value) = value else {
      throw failure("which is not a number", remedy: "write a number")
    }
    return value
  }

  func boolean() throws(GradlogError) -> Bool {
    guard case .boolean(let value) = value else {
      throw failure("which is neither true nor false", remedy: "write true or false")
    }
    return value
  }

  /// A whole number of at least `lowest`.
  func integer(from lowest: Int) throws(GradlogError) -> Int {
    guard case .number(let number) = value, let integer = Int(exactly: number), integer >= lowest
    else {
      throw failure(
        "which is not a whole number of at least \(lowest)",
        remedy: "write a whole number of at least \(lowest)")
    }
    return integer
  }
}
