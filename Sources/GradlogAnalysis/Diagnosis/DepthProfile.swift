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

  /// Which batches are looked at.
  public enum Window: Sendable, Equatable {
    /// Batches spread over the run.
    case wholeRun
    /// The batches from a step on: what follows from a trouble shows after it began.
    case from(step: Int)
    /// The batches up to a step: nothing shows after a NaN.
    case upTo(step: Int)
  }

  /// The kernels from the input on.
  public let kernels: [Kernel]
  /// The batches that were looked at; 0 when there is none.
  public let batches: Int
  /// Where these are.
  public let window: Window
}

extension DepthProfile {
  /// Batches that are looked at: enough for a median.
  private static let batchCount = 32

  /// Looks at the batches where a trouble begins; at some of the whole run when there is none.
  init(
    of run: ReplayedRun, around cause: DiagnosedFinding?, in db: Database
  ) throws {
    let trouble = cause.flatMap { $0.severity > .info ? $0 : nil }
    let window = Self.window(around: trouble)
    let batches = try Self.batches(of: run, window, trouble, db)
    var sizes: [Int64: [Double]] = [:]
    let kernels = run.weights.filter(\.observed.isKernel)
    for kernel in kernels { sizes[kernel.weightID] = [] }
    try Self.read(batches, into: &sizes, db)
    self.init(
      kernels: kernels.map { weight in
        Kernel(weight: weight.name, rms: Self.median(sizes[weight.weightID] ?? []))
      }, batches: batches.count, window: window)
  }

  private static func window(around trouble: DiagnosedFinding?) -> Window {
    guard let trouble else { return .wholeRun }
    return trouble.rule == .nonFinite
      ? .upTo(step: trouble.first.step) : .from(step: trouble.first.step)
  }

  private static func batches(
    of run: ReplayedRun, _ window: Window, _ trouble: DiagnosedFinding?, _ db: Database
  ) throws -> [Int64] {
    let (condition, order) =
      switch window {
      case .wholeRun: ("(number - 1) % :stride = 0", "batch_id")
      case .from: ("batch_id >= :first", "batch_id")
      case .upTo: ("batch_id <= :first", "batch_id DESC")
      }
    return try keys(
      """
      SELECT batch_id FROM (SELECT batch_id, row_number() OVER (ORDER BY batch_id) AS number
        FROM batches WHERE run_id = :run)
      WHERE \(condition) ORDER BY \(order) LIMIT \(batchCount)
      """,
      [
        "run": .integer(run.runID), "first": .integer(trouble?.first.batchID ?? 0),
        "stride": .integer(Int64(max(1, (run.batchCount + batchCount - 1) / batchCount))),
      ], db)
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
        if count > 0, size > 0, size.isFinite { sizes[rows.integer(at: 0)]?.append(size) }
      }
    }
  }

  private static func median(_ sizes: [Double]) -> Double? {
    sizes.isEmpty ? nil : sizes.sorted()[(sizes.count - 1) / 2]
  }
}
