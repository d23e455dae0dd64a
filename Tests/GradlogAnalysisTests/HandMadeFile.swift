import Foundation
import GRDB
import GradlogAnalysis
import Testing

@testable import Gradlog

/// A recording whose every gradient is written in the test, with statistics by the plain formulas.
final class HandMadeFile {
  typealias Weight = (name: String, shape: String)

  /// One batch; its gradients are in the order of the run's weights, `nil` for an absent one.
  struct Batch {
    var epoch: Int
    var batch: Int
    var loss: Double?
    var gradients: [[Double]?]
  }

  let path: String
  private let queue: DatabaseQueue

  init() throws {
    path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
    queue = try DatabaseQueue(path: path)
    try Schema.migrator.migrate(queue)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Adds a run.
  ///
  /// A weight whose every gradient is absent has neither dtype nor shape.
  func addRun(_ name: String, rank: Int = 0, weights: [Weight], batches: [Batch]) throws {
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO runs (name, rank, stage, framework, started_at, finished_at)
          VALUES (?, ?, 'raw', 'by hand', 0, 86400)
          """, arguments: [name, rank])
      let runID = db.lastInsertedRowID
      var weightIDs: [Int64] = []
      for (position, weight) in weights.enumerated() {
        let count = batches.lazy.compactMap { $0.gradients[position]?.count }.first
        try db.execute(
          sql: """
            INSERT INTO weights (run_id, position, name, dtype, shape, element_count)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            runID, position, weight.name, count.map { _ in "float32" },
            count.map { _ in weight.shape }, count,
          ])
        weightIDs.append(db.lastInsertedRowID)
      }
      for (step, batch) in batches.enumerated() {
        try Self.add(batch, step: step, runID: runID, weightIDs: weightIDs, to: db)
      }
    }
  }

  /// Adds a run of two batches an epoch, with a loss of 1 where none is given.
  func addRun(
    _ name: String, rank: Int = 0, weights: [Weight], gradients: [[[Double]?]],
    losses: [Double?] = []
  ) throws {
    let batches = gradients.enumerated().map { index, gradients in
      Batch(
        epoch: index / 2, batch: index % 2, loss: index < losses.count ? losses[index] : 1,
        gradients: gradients)
    }
    try addRun(name, rank: rank, weights: weights, batches: batches)
  }

  /// Executes SQL of the test's own.
  func execute(_ sql: String) throws {
    try queue.write { db in try db.execute(sql: sql) }
  }

  /// Reads with the connection of the file.
  func read<Value>(_ value: (Database) throws -> Value) throws -> Value {
    try queue.read(value)
  }

  /// The rows of a question's answer, cells joined by `|`.
  func answer(
    _ name: String, _ settings: [String: any DatabaseValueConvertible] = [:]
  ) throws -> [String] {
    let query = try CannedQuery.named(name)
    return try queue.read { db in
      let statement = try db.makeStatement(sql: query.sql)
      var arguments = query.parameters.reduce(into: [:]) { $0[$1.name] = DatabaseValue.null }
      for (name, value) in settings {
        arguments[name] = value.databaseValue
      }
      try statement.setArguments(StatementArguments(arguments))
      return try Row.fetchAll(statement).map { row in
        row.databaseValues.map(Self.text).joined(separator: "|")
      }
    }
  }

  private static func text(_ value: DatabaseValue) -> String {
    switch value.storage {
    case .null: "NULL"
    case .int64(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let text): text
    case .blob(let bytes): "\(bytes.count) bytes"
    }
  }

  private static func add(
    _ batch: Batch, step: Int, runID: Int64, weightIDs: [Int64], to db: Database
  ) throws {
    let last = try Int64.fetchOne(db, sql: "SELECT max(gradient_id) FROM gradient_statistics")
    let firstGradientID = (last ?? 0) + 1
    let isNaN = batch.loss?.isNaN ?? false
    try db.execute(
      sql: """
        INSERT INTO batches (run_id, epoch, batch, step, loss, loss_is_nan, recorded_at,
          first_gradient_id, gradient_count) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)
        """,
      arguments: [
        runID, batch.epoch, batch.batch, step, isNaN ? nil : batch.loss, isNaN, firstGradientID,
        batch.gradients.count,
      ])
    let batchID = db.lastInsertedRowID
    for (index, gradient) in batch.gradients.enumerated() {
      try add(
        gradient, gradientID: firstGradientID + Int64(index), batchID: batchID,
        weightID: weightIDs[index], to: db)
    }
  }

  private static func add(
    _ gradient: [Double]?, gradientID: Int64, batchID: Int64, weightID: Int64, to db: Database
  ) throws {
    guard let gradient else {
      try db.execute(
        sql: """
          INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, absent)
          VALUES (?, ?, ?, 1)
          """, arguments: [gradientID, batchID, weightID])
      return
    }
    let finite = gradient.filter(\.isFinite)
    let count = Double(finite.count)
    let squares = finite.reduce(0) { $0 + $1 * $1 }
    let mean = finite.reduce(0, +) / count
    let variance = finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    func underflows(below exponent: Double) -> Int {
      finite.count { $0 != 0 && $0.magnitude < exp2(exponent) }
    }
    try db.execute(
      sql: """
        INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, zero_count, nan_count,
          posinf_count, neginf_count, sum, sum_abs, sum_squares, norm, rms, std, min, max,
          float16_underflow_count, bfloat16_underflow_count, float8_e4m3_underflow_count,
          float8_e5m2_underflow_count, exponents_blob)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, zeroblob(0))
        """,
      arguments: [
        gradientID, batchID, weightID, finite.count { $0 == 0 }, gradient.count { $0.isNaN },
        gradient.count { $0 == .infinity }, gradient.count { $0 == -.infinity },
        finite.reduce(0, +), finite.reduce(0) { $0 + $1.magnitude }, squares,
        finite.isEmpty ? nil : squares.squareRoot(),
        finite.isEmpty ? nil : (squares / count).squareRoot(),
        finite.isEmpty ? nil : variance.squareRoot(), finite.min(), finite.max(),
        underflows(below: -25), underflows(below: -134), underflows(below: -10),
        underflows(below: -17),
      ])
  }
}

extension HandMadeFile {
  /// A file with something for every question to find, in two runs of which one has two ranks.
  static func withEveryTrouble() throws -> HandMadeFile {
    let file = try HandMadeFile()
    let weights: [Weight] = [
      ("first/kernel", "[1,2]"), ("middle/kernel", "[1,2]"), ("last/kernel", "[1,2]"),
      ("last/bias", "[2]"), ("frozen", "[2]"),
    ]
    for rank in 0...1 {
      try file.addRun(
        "fades", rank: rank, weights: weights,
        gradients: Array(repeating: [[0, 0x1p-30], [0, 0], [3, 4], [1, 2], nil], count: 6))
    }
    try file.addRun(
      "grows", weights: weights,
      gradients: (0..<6).map { step in
        let size = pow(2000, Double(step))
        return [
          [0, size], [size, step > 4 ? .nan : 1], [1, step > 4 ? .infinity : 1], [1, 1], nil,
        ]
      },
      losses: [1, 10, 100, nil, 1e4, .nan])
    try file.execute(
      """
      INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, advice) VALUES (1, 1, 'absolute', 'warning', 1, 6, 6, 'Try another one.')
      """)
    return file
  }
}
