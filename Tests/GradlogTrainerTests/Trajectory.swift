import Foundation
import Gradlog
import GradlogTrainer

/// What Keras recorded of one training run; see Reference/README.md.
struct Trajectory: Decodable {
  struct Batch: Decodable {
    let epoch: Int
    let batch: Int
    let rows: [Int]
    let loss: Float
    let gradients: [String: Nested]
  }

  let batches: [Batch]
  let finalWeights: [String: Nested]

  /// The folder of the recorded runs.
  static let folder = Bundle.module.resourceURL?.appendingPathComponent("Reference")

  /// The names of all recorded runs.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder?.path ?? "")) ?? []
    return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
  }()

  static func path(_ name: String) -> String {
    folder?.appendingPathComponent("\(name).json").path ?? ""
  }

  static func read(_ name: String) throws -> Trajectory {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      Trajectory.self, from: Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

/// Numbers in lists of any depth, row by row.
struct Nested: Decodable {
  let values: [Float]

  init(from decoder: any Decoder) throws {
    if let value = try? decoder.singleValueContainer().decode(Float.self) {
      values = [value]
    } else if let flat = try? decoder.singleValueContainer().decode([Float].self) {
      values = flat
    } else {
      values = try decoder.singleValueContainer().decode([Nested].self).flatMap(\.values)
    }
  }
}

/// The largest amount by which a value leaves |a − b| ≤ 1e-6 + 1e-4·|b|, and where; nil when none does.
func worstDeviation(_ found: some Collection<Float>, from expected: [Float]) -> String? {
  guard found.count == expected.count else { return "\(found.count) of \(expected.count) values" }
  let excesses = zip(found, expected).map { abs($0 - $1) - (1e-6 + 1e-4 * abs($1)) }
  guard let worst = excesses.indices.max(by: { excesses[$0] < excesses[$1] }),
    !excesses.allSatisfy({ $0 <= 0 })
  else { return nil }
  return "[\(worst)] is \(Array(found)[worst]), expected \(expected[worst])"
}

/// Keeps every gradient and loss of a run.
final class GradientKeeper: Callback {
  struct Batch {
    let epoch: Int
    let batch: Int
    let rows: Int
    let loss: Float
    let learningRate: Double
    let raw: [String: [Float]]
    let applied: [String: [Float]]
    let absent: [String]
  }

  private(set) var batches: [Batch] = []

  func onGradients(_ event: GradientEvent) {
    func copy(_ stage: GradientStage) -> [String: [Float]] {
      var copies: [String: [Float]] = [:]
      for gradient in event.gradients(at: stage) {
        copies[gradient.weight.name] = gradient.values.map { Array($0) }
      }
      return copies
    }
    batches.append(
      Batch(
        epoch: event.epoch, batch: event.batch, rows: event.rows, loss: event.loss,
        learningRate: event.learningRate, raw: copy(.raw), applied: copy(.applied),
        absent: event.raw.filter { $0.values == nil }.map(\.weight.name)))
  }
}
