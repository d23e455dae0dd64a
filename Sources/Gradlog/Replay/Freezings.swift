internal import GRDB

/// Tells which weights the training held fixed, batch by batch, as the detectors were told while it ran.
struct Freezings {
  /// nil for a file that does not tell when.
  private let rows: PreparedStatement?
  /// The row that was read last, until its batch has come.
  private var next: (batchID: Int64, weightID: Int64, isFrozen: Bool)?

  init(of scope: RunScope, in db: Database) throws {
    guard try FileFormat(of: db).tellsFreezings else {
      rows = nil
      return
    }
    rows = try PreparedStatement(
      """
      SELECT first_batch_id, weight_id, frozen FROM freezings
      WHERE \(Self.condition(scope)) ORDER BY first_batch_id
      """, on: db)
    if let rows { try scope.bind(to: rows) }
    try advance()
  }

  private static func condition(_ scope: RunScope) -> String {
    guard case .all = scope else {
      return "weight_id IN (SELECT weight_id FROM weights WHERE \(scope.condition))"
    }
    return "1"
  }

  private mutating func advance() throws {
    guard let rows, try rows.step() else {
      next = nil
      return
    }
    next = (rows.integer(at: 0), rows.integer(at: 1), rows.integer(at: 2) != 0)
  }

  /// Hands over what was told up to a batch and not before; batches are to be asked for in the order of their keys.
  mutating func forEach(
    upTo batchID: Int64, _ body: (_ weightID: Int64, _ isFrozen: Bool) -> Void
  ) throws {
    while let told = next, told.batchID <= batchID {
      body(told.weightID, told.isFrozen)
      try advance()
    }
  }

  /// The first row of each weight that has one: before it, the weight was the opposite.
  static func first(_ scope: RunScope, in db: Database) throws -> [Int64: Bool] {
    guard try FileFormat(of: db).tellsFreezings else { return [:] }
    let rows = try PreparedStatement(
      """
      SELECT weight_id, frozen, min(first_batch_id) FROM freezings
      WHERE \(condition(scope)) GROUP BY weight_id
      """, on: db)
    try scope.bind(to: rows)
    var first: [Int64: Bool] = [:]
    while try rows.step() { first[rows.integer(at: 0)] = rows.integer(at: 1) != 0 }
    return first
  }
}
