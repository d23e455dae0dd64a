import Foundation
import GRDB
import Gradlog
import GradlogAnalysis

/// Two recordings side by side, `a` and `b`, each in a file of its own, removed with this.
final class TwoRuns {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func path(_ file: String) -> String { folder + "/\(file).db" }

  /// Records these batches, numbered from epoch 0, batch 0 on, ten in an epoch.
  func record(
    _ file: String, _ options: GradientRecorder.Options = GradientRecorder.Options(),
    batches: Int = 1, firstEpoch: Int = 0, loss: (Int) -> Double = { _ in 0.5 },
    _ assemble: (Int, inout GradientBatch) -> Void
  ) throws {
    try GradientRecorder.record(to: path(file), run: "run", options: options) { recorder in
      for index in 0..<batches {
        recorder.record(
          BatchContext(epoch: firstEpoch + index / 10, batch: index % 10, loss: loss(index))
        ) { assemble(index, &$0) }
      }
    }
  }

  /// Records one gradient of one weight in either run.
  func record<Element: TensorElement>(
    _ a: [Element], _ b: [Element], shape: [Int]? = nil,
    options: (a: GradientRecorder.Options, b: GradientRecorder.Options) = (.init(), .init())
  ) throws {
    try record("a", options.a) { $1.add("w", a, shape: shape ?? [a.count]) }
    try record("b", options.b) { $1.add("w", b, shape: shape ?? [b.count]) }
  }

  /// Records one gradient of one weight in either run, in a type of its own.
  func record<A: TensorElement, B: TensorElement>(_ a: [A], against b: [B]) throws {
    try record("a") { $1.add("w", a, shape: [a.count]) }
    try record("b") { $1.add("w", b, shape: [b.count]) }
  }

  /// Changes a file behind gradlog's back. Writes that the schema forbids are let through.
  func damage(_ file: String, _ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: path(file), configuration: configuration)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
  }

  /// Compares the two.
  func compare(
    _ change: (inout ComparisonOptions) throws -> Void = { _ in }
  ) throws -> (summary: ComparisonSummary, rows: [DriftRow]) {
    var options = ComparisonOptions()
    try change(&options)
    var rows: [DriftRow] = []
    let summary = try Recording(path: path("a")).compare(
      "run", with: Recording(path: path("b")), "run", options: options
    ) { rows.append($0) }
    return (summary, rows)
  }

  /// The part of the first gradient that differs.
  func firstPart(rtol: Double? = nil, atol: Double = 0) throws -> DifferingPart? {
    try compare { options in
      options.tolerance = try rtol.map { try Tolerance(relative: $0, absolute: atol) }
    }.summary.first?.difference
  }

  /// What a recorder that keeps values in this way is told.
  static func keeping(
    _ schedule: CapturePlan.Schedule = .everyBatch, as encoding: ValueEncoding = .dense
  ) throws -> GradientRecorder.Options {
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(schedule, encoding: encoding)
    return options
  }
}
