import Gradlog
import Testing

@testable import GradlogAnalysis

/// Which batches, ranks and weights are held against each other, and what is said of the others.
@Suite struct BatchMatchingTests {
  private let runs: TwoRuns

  init() throws {
    runs = try TwoRuns()
  }

  private func record(_ file: String, batches: Int, firstEpoch: Int = 0, from start: Int = 0) throws
  {
    try runs.record(file, batches: batches, firstEpoch: firstEpoch) { index, batch in
      batch.add("w", [Float(start + index)], shape: [1])
    }
  }

  @Test func batchesOfOneRunAreCountedAndNamed() throws {
    try record("a", batches: 25)
    try record("b", batches: 12)
    let summary = try runs.compare().summary
    #expect(summary.batches == 12)
    #expect(summary.alignment == .epoch)
    #expect(summary.first == nil)
    #expect(!summary.isIdentical)
    #expect(summary.onlyInFirst.map(\.count) == [13])
    #expect(summary.onlyInFirst[0].first.description == "epoch 1, batch 2, step 12")
    #expect(summary.onlyInFirst[0].last.description == "epoch 2, batch 4, step 24")
    #expect(summary.onlyInSecond.isEmpty)
  }

  @Test func epochsThatAreNumberedFromOneAreMatchedByStep() throws {
    try record("a", batches: 25)
    try record("b", batches: 25, firstEpoch: 1)
    let summary = try runs.compare().summary
    #expect(summary.alignment == .step)
    #expect(summary.batchesOtherwise == 15)
    #expect(summary.isIdentical)
    let forced = try runs.compare { $0.alignment = .epoch }.summary
    #expect(forced.batches == 15)
    #expect(forced.first?.place.description == "epoch 1, batch 0, step 10")
    #expect(forced.onlyInSecond.map(\.count) == [10])
  }

  /// The file of a training that was taken up from a checkpoint counts its steps from 0.
  @Test func aTrainingTakenUpInAnotherFileIsMatchedByEpoch() throws {
    try record("a", batches: 30)
    try record("b", batches: 10, firstEpoch: 2, from: 20)
    let summary = try runs.compare().summary
    #expect(summary.alignment == .epoch)
    #expect(summary.batches == 10)
    #expect(summary.first == nil)
    #expect(summary.onlyInFirst.map(\.count) == [20])
    #expect(try runs.compare { $0.alignment = .step }.summary.first?.place.step == 0)
  }

  /// In the order of names the generator's batch would be the first.
  @Test func theFirstDifferenceIsTheFirstByStep() throws {
    for (file, change) in [("a", Float(0)), ("b", 1)] {
      try GradientRecorder.record(to: runs.path(file), run: "run") { recorder in
        for optimizer in ["reviewer", "author"] {
          recorder.record(BatchContext(epoch: 0, batch: 0, optimizer: optimizer)) {
            $0.add(optimizer + "/kernel", [change], shape: [1])
          }
        }
      }
    }
    let (summary, rows) = try runs.compare()
    #expect(summary.first?.weight == "reviewer/kernel")
    #expect(rows.map(\.place.optimizer) == ["reviewer", "author"])
    #expect(rows.map(\.weights) == [1, 1])
  }

  @Test func ranksAreMatchedByIndex() throws {
    for (file, ranks) in [("a", [0, 1, 2]), ("b", [1, 2, 3])] {
      for rank in ranks {
        var options = GradientRecorder.Options()
        options.rank = rank
        options.worldSize = 4
        try runs.record(file, options, batches: 4) { index, batch in
          // Rank 2 differs from step 1 on, rank 1 from step 2 on.
          let change: Float = file == "b" && index >= 3 - rank ? 0.5 : 0
          batch.add("w", [Float(index) + 1 + change], shape: [1])
        }
      }
    }
    let (summary, rows) = try runs.compare()
    #expect(summary.ranksOnlyInFirst == [0])
    #expect(summary.ranksOnlyInSecond == [3])
    #expect(summary.batches == 8)
    #expect(summary.first?.place.description == "rank 2, epoch 0, batch 1, step 1")
    #expect(rows.map(\.place.rank) == [1, 1, 2, 2, 2])
    #expect(rows.map(\.place.step) == [2, 3, 1, 2, 3])
  }

  @Test func rowsAreTheFirstDifferenceThenPowersOfTwoThenTheLast() throws {
    for (file, change) in [("a", Float(0)), ("b", 1)] {
      try runs.record(file, batches: 40) { index, batch in
        batch.add("w", [index < 3 ? 5 : 5 + change], shape: [1])
      }
    }
    #expect(try runs.compare().rows.map(\.place.step) == [3, 4, 5, 7, 11, 19, 35, 39])
    #expect(try runs.compare { $0.showsAll = true }.rows.map(\.place.step) == Array(0..<40))
  }

  @Test func weightsThatAreNotAlikeAreNamed() throws {
    try runs.record("a") { _, batch in
      batch.add("same", [Float(1)], shape: [1])
      batch.add("only a", [Float(1)], shape: [1])
      batch.add("shaped", [Float(1), 2], shape: [2, 1])
    }
    try runs.record("b") { _, batch in
      batch.add("shaped", [Float(1), 2], shape: [1, 2])
      batch.add("only b", [Float(1)], shape: [1])
      batch.add("same", [Float(1)], shape: [1])
    }
    let summary = try runs.compare().summary
    #expect(
      summary.weights == [
        .onlyInFirst("only a"), .shape("shaped", a: "[2,1]", b: "[1,2]"), .onlyInSecond("only b"),
      ])
    #expect(summary.first == nil)
    #expect(!summary.isIdentical)
    #expect(try runs.compare { $0.weight = "sam?" }.summary.isIdentical)
  }

  /// The weights of the second run in another order, and the first of two that differ by position.
  @Test func theFirstWeightIsTheFirstByPosition() throws {
    try runs.record("a") { _, batch in
      for name in ["input", "middle", "output"] { batch.add(name, [Float(1)], shape: [1]) }
    }
    try runs.record("b") { _, batch in
      for name in ["output", "middle", "input"] {
        batch.add(name, [name == "input" ? 1 : Float(2)], shape: [1])
      }
    }
    let (summary, rows) = try runs.compare()
    #expect(summary.first?.weight == "middle")
    #expect(rows[0].firstWeight == "middle")
    #expect(rows[0].differingWeights == 2)
  }

  @Test func lossesAndLearningRatesAreCompared() throws {
    for (file, rate) in [("a", 0.1), ("b", 0.2)] {
      try GradientRecorder.record(to: runs.path(file), run: "run") { recorder in
        for index in 0..<4 {
          let loss = index == 1 ? Double.nan : index < 3 ? 0.5 : rate
          recorder.record(
            BatchContext(epoch: 0, batch: index, loss: loss, learningRate: index == 0 ? 0.1 : rate)
          ) { $0.add("w", [Float(1)], shape: [1]) }
        }
      }
    }
    let summary = try runs.compare().summary
    #expect(summary.isIdentical)
    #expect(summary.loss?.place.step == 3)
    #expect(summary.learningRate?.place.step == 1)
    #expect(summary.learningRate?.b == 0.2)
    // A tolerance is for what is computed; the learning rate was set.
    let close = try runs.compare { $0.tolerance = try Tolerance(relative: 1, absolute: 0) }.summary
    #expect(close.loss == nil)
    #expect(close.learningRate?.place.step == 1)
  }

  @Test func nothingInCommonIsAnError() throws {
    try record("a", batches: 2)
    try record("b", batches: 2, firstEpoch: 5)
    func problem(_ change: (inout ComparisonOptions) -> Void = { _ in }) -> String? {
      do {
        _ = try runs.compare(change)
        return nil
      } catch { return "\(error)".replacing(runs.folder + "/", with: "") }
    }
    #expect(
      problem { $0.alignment = .epoch }
        == "run 'run' in 'a.db' and run 'run' in 'b.db' have no batch in common; "
        + "leave out --align, or choose the other one")
    try runs.damage("b", "UPDATE weights SET name = 'v'")
    #expect(
      problem()
        == "run 'run' in 'a.db' and run 'run' in 'b.db' have no weight of the same name and shape in "
        + "common; compare two trainings of one model")
    try runs.damage("b", "DELETE FROM batches; UPDATE weights SET name = 'w'")
    #expect(
      problem()
        == "run 'run' in 'a.db' and run 'run' in 'b.db' have no batch in common; "
        + "record both before they are compared")
    try runs.damage("b", "UPDATE runs SET rank = 7")
    #expect(problem()?.contains("have no rank in common") == true)
  }
}
