import Foundation
import GRDB
import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// Weights that are held fixed for a while: what is found after the fact is what was found live.
@Suite final class FreezingTests {
  private let path = NSTemporaryDirectory() + "gradlog-\(UUID().uuidString).db"

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// What batches say of a weight: a gradient, that there is none, or that it is frozen.
  enum Told: CaseIterable {
    case gradient, absent, frozen
  }

  private static let shapes = ["bias": [2], "first": [2, 2], "second": [2, 2], "last": [2, 1]]

  private func record(
    _ story: [[(weight: String, told: Told)]], from first: Int = 0,
    overlap: GradientRecorder.Options.Overlap = .refuse
  ) throws {
    var options = GradientRecorder.Options()
    options.overlap = overlap
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      for (offset, batch) in story.enumerated() {
        recorder.record(epoch: 0, batch: first + offset, loss: 2) {
          for (weight, told) in batch {
            let shape = Self.shapes[weight] ?? []
            let count = shape.reduce(1, *)
            switch told {
            case .gradient:
              $0.add(
                weight, (0..<count).map { Float(($0 + offset) % 5) - 1.5 }, shape: shape)
            case .absent: $0.addAbsent(weight)
            case .frozen: $0.addAbsent(weight, isFrozen: true)
            }
          }
        }
      }
    }
  }

  /// `phases` of `first`, of 30 batches each, beside two weights that are trained.
  private func record(_ phases: [Told], of weight: String = "first") throws {
    try record(
      phases.flatMap { told in
        Array(
          repeating: [(weight, told), ("second", .gradient), ("last", .gradient)], count: 30)
      })
  }

  private func checkReplay(_ comment: String = "") throws {
    let live = try DatabaseQueue(path: path).read(FindingSummary.live)
    let recording = try Recording(path: path)
    #expect(FindingSummary.of(try recording.diagnose()) == live, "\(comment)")
    _ = try recording.verify { Issue.record("\(comment) \($0)") }
    try recording.close()
  }

  private func freezings() throws -> [String] {
    try DatabaseQueue(path: path).read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT name, batch, freezings.frozen FROM freezings JOIN weights USING (weight_id)
          JOIN batches ON batch_id = first_batch_id ORDER BY batch_id, weight_id
          """
      ).map { "\($0["name"] as String) \($0["batch"] as Int) \($0["frozen"] as Int)" }
    }
  }

  @Test func whatIsNeverFrozenIsNotNoted() throws {
    try record([.absent, .gradient, .absent])
    #expect(try freezings() == [])
    try checkReplay()
  }

  @Test(arguments: ["first", "bias"]) func frozenFirstAndTrainedLater(_ weight: String) throws {
    try record([.frozen, .gradient], of: weight)
    #expect(try freezings() == ["\(weight) 0 1", "\(weight) 30 0"])
    let said = try Recording(path: path).diagnose().flatMap(\.findings).filter {
      $0.rule == .absent
    }
    #expect(said.map(\.evidence) == ["'\(weight)' was held fixed, until epoch 0, batch 29"])
    try checkReplay()
  }

  @Test func trainedThenFrozenThenTrained() throws {
    try record([.gradient, .frozen, .gradient])
    #expect(try freezings() == ["first 30 1", "first 60 0"])
    try checkReplay()
  }

  @Test func frozenThenAbsentByMistake() throws {
    try record([.frozen, .absent, .frozen])
    #expect(try freezings() == ["first 0 1", "first 30 0", "first 60 1"])
    try checkReplay()
  }

  /// Live, nobody knows the shape of a weight that had no gradient yet: it may be the first kernel.
  @Test(arguments: [Told.absent, .frozen]) func aWeightWithoutAShapeAtFirst(_ told: Told) throws {
    let weights = ["bias", "second", "last"]
    try record(
      (0..<80).map { batch in
        weights.map { weight in
          let isHeldBack = weight == "bias" && batch < 40 || weight == "last" && batch < 25
          return (weight, isHeldBack ? told : .gradient)
        }
      })
    try checkReplay()
  }

  /// What had a shape only in batches that are replaced has none before.
  @Test func aShapeThatWasCutOffIsNotKnownBefore() throws {
    let weights = ["bias", "second", "last"]
    func story(_ batches: Range<Int>, trained: Int) -> [[(weight: String, told: Told)]] {
      batches.map { batch in
        weights.map { ($0, $0 == "bias" && batch < trained ? .absent : .gradient) }
      }
    }
    try record(story(0..<10, trained: 5))
    try record(story(4..<80, trained: 50), from: 4, overlap: .replace)
    try checkReplay()
  }

  /// Phases of any length for each weight, in a run that is taken up again, and partly replaced.
  @Test(arguments: 1...12) func aReplayFindsWhatWasFoundLive(seed: UInt64) throws {
    var numbers = RandomNumbers(seed: seed)
    var told = Dictionary(uniqueKeysWithValues: Self.shapes.keys.map { ($0, Told.gradient) })
    let story = (0..<200).map { _ in
      let weights = ["bias", "first", "second", "last"]
      for weight in weights where numbers.next() < 1.0 / 30 {
        told[weight] = Told.allCases[Int(numbers.next() * 3)]
      }
      return weights.map { (weight: $0, told: told[$0] ?? .gradient) }
    }
    let edge = 1 + Int(numbers.next() * 89)
    let cut = edge + Int(numbers.next() * Double(100 - edge))
    try record(Array(story[..<edge]))
    try record(Array(story[edge..<100]), from: edge)
    #expect(try freezings() == Self.changes(in: Array(story[..<100])))
    try checkReplay("seed \(seed), resumed at \(edge)")
    // What is recorded instead differs from what was there.
    try record(Array(story[100...]), from: cut, overlap: .replace)
    #expect(
      try freezings() == Self.changes(in: Array(story[..<cut] + story[100...])),
      "seed \(seed), replaced from \(cut)")
    try checkReplay("seed \(seed), replaced from \(cut)")
  }

  private static func changes(in story: [[(weight: String, told: Told)]]) -> [String] {
    var frozen: Set<String> = []
    return story.enumerated().flatMap { batch, weights in
      weights.filter { ($0.told == .frozen) != frozen.contains($0.weight) }.map { weight, told in
        if told == .frozen { frozen.insert(weight) } else { frozen.remove(weight) }
        return "\(weight) \(batch) \(told == .frozen ? 1 : 0)"
      }
    }
  }

  /// A batch that is refused leaves nothing behind, and what it said is said again by the next.
  @Test func aBatchThatIsRefusedTellsNothing() throws {
    try record([[("first", .gradient)]])
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) {
      $0.addAbsent("first", isFrozen: true)
      $0.addAbsent("second", isFrozen: true)
    }
    recorder.record(epoch: 0, batch: 1) {
      $0.addAbsent("first", isFrozen: true)
      $0.addAbsent("second", isFrozen: true)
    }
    #expect(throws: GradlogError.self) { try recorder.close() }
    #expect(recorder.losses.batches == 1)
    #expect(try freezings() == ["first 1 1", "second 1 1"])
    _ = try Recording(path: path).verify { Issue.record("\($0)") }
  }

  @Test func aRunThatIsDeletedTakesThemWithIt() throws {
    try record([.frozen, .gradient])
    try GradientRecorder.record(to: path, run: "other") { recorder in
      recorder.record(epoch: 0, batch: 0) { $0.addAbsent("kept", isFrozen: true) }
    }
    let pruning = try Pruning(path: path)
    #expect(try pruning.deleteRun("r", rank: nil) { _ in true })
    try pruning.close()
    #expect(try freezings() == ["kept 0 1"])
    _ = try Recording(path: path).verify { Issue.record("\($0)") }
  }
}
