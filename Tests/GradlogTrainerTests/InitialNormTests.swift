import Foundation
import GRDB
import Gradlog
import GradlogTrainer
import Testing

/// What the trainer tells a recorder of the weights with which it begins.
@Suite struct InitialNormTests {
  @Test func theTrainerTellsThem() throws {
    let example = Example.article
    let model = try example.description.makeModel(inputs: example.data.x.columns)
    let names = model.weights.map(\.name)
    let expected = try names.map { name in
      try model.values(of: name).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try GradientRecorder.record(to: path, run: "r") { recorder in
      try model.fit(example.data, batchSize: 4, epochs: 1, callbacks: [recorder])
    }
    let stored = try DatabaseQueue(path: path).read { db in
      let rows = try Row.fetchAll(db, sql: "SELECT name, initial_norm FROM weights")
      return Dictionary(
        uniqueKeysWithValues: rows.map { ($0["name"] as String, $0["initial_norm"] as Double?) })
    }
    #expect(stored.count == names.count && expected.contains { $0 > 0 })
    for (name, norm) in zip(names, expected) { #expect(stored[name] == .some(norm)) }
  }
}
