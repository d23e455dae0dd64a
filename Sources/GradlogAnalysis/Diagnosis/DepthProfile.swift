internal import Foundation
internal import GRDB
internal import Gradlog

/// How large the gradients of a run's kernels are, from the input to the loss: where they vanish or explode.
public struct DepthProfile: Sendable, Equatable {
  /// One kernel: a weight of two dimensions or more.
  public struct Kernel: Sendable, Equatable {
    /// Its name.
    public let weight: String
    /// Median over batches of the root mean square of the elements that are not zero; nil when there is none.
    public let rms: Double?
  }

  /// The kernels from the input on.
  public let kernels: [Kernel]
  /// The batches that were looked at; 0 when there is none.
  public let batches: Int
  /// The step that they surround; nil when they are spread over the run.
  public let aroundStep: Int?
}

extension DepthProfile {
  /// Batches that are looked at: enough for a median.
  private static let batchCount = 32

  /// Looks at the batches around the beginning of a trouble; at some of the whole run when there is none.
  init(
    of run: ReplayedRun, _ weights: [SeriesIndex.Weight], around cause: DiagnosedFinding?,
    in db: Database
  ) throws {
    let around = cause.flatMap { $0.severity > .info ? $0 : nil }
    let batches = try Self.batches(of: run, around, db)
    var sizes: [Int64: [Double]] = [:]
    for kernel in weights where kernel.isKernel { sizes[kernel.weightID] = [] }
    try Self.read(batches, into: &sizes, db)
    self.batches = batches.count
    aroundStep = around?.first.step
    kernels = weights.filter(\.isKernel).map { weight in
      Kernel(weight: weight.name.text ?? "", rms: Self.median(sizes[weight.weightID] ?? []))
    }
  }

  /// What follows from a trouble shows behind its beginning, but nothing does behind a NaN.
  private static func batches(
    of run: ReplayedRun, _ cause: DiagnosedFinding?, _ db: Database
  ) throws -> [Int64] {
    guard let cause else {
      let stride = max(1, run.batchCount / batchCount)
      return try keys(
        """
        SELECT batch_id FROM (SELECT batch_id, row_number() OVER (ORDER BY batch_id) AS number
          FROM batches WHERE run_id = :run) WHERE (number - 1) % :stride = 0 LIMIT \(batchCount)
        """, ["run": .integer(run.runID), "stride": .integer(Int64(stride))], db)
    }
    let isBehind = cause.rule != .nonFinite
    return try keys(
      """
      SELECT batch_id FROM batches WHERE run_id = :run AND batch_id \(isBehind ? ">=" : "<=") :first
      ORDER BY batch_id \(isBehind ? "" : "DESC") LIMIT \(batchCount)
      """, ["run": .integer(run.runID), "first": .integer(cause.first.batchID)], db)
  }

  private static func keys(
    _ sql: String, _ values: [String: CellValue], _ db: Database
  ) throws -> [Int64] {
    let rows = try PreparedStatement(sql, on: db)
    for (name, value) in values { try rows.bind(value, to: name) }
    var keys: [Int64] = []
    while try rows.step() { keys.append(rows.integer(at: 0)) }
    return keys
  }

  private static func read(
    _ batches: [Int64], into sizes: inout [Int64: [Double]], _ db: Database
  ) throws {
    let rows = try PreparedStatement(
      """
      SELECT weight_id, norm, element_count - zero_count - nan_count - posinf_count - neginf_count
      FROM batches CROSS JOIN gradient_statistics AS statistics NOT INDEXED
        ON gradient_id BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1
      CROSS JOIN weights USING (weight_id)
      WHERE batches.batch_id = :batch AND norm > 0
      """, on: db)
    for batch in batches {
      rows.reset()
      try rows.bind(.integer(batch), to: "batch")
      while try rows.step() {
        let count = rows.real(at: 2) ?? 0
        let size = (rows.real(at: 1) ?? .nan) / count.squareRoot()
        if count > 0, size.isFinite { sizes[rows.integer(at: 0)]?.append(size) }
      }
    }
  }

  private static func median(_ sizes: [Double]) -> Double? {
    sizes.isEmpty ? nil : sizes.sorted()[(sizes.count - 1) / 2]
  }
}
