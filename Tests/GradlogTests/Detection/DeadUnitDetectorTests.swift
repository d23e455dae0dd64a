import Testing

@testable import Gradlog

@Suite struct DeadUnitDetectorTests {
  /// Gradients of a kernel [3, 10] and a bias [10], whose units with an index in `dead` get nothing.
  private func layer(_ dead: Set<Int>, _ random: inout SplitMix64) -> [[Double]?] {
    func alive(_ unit: Int) -> Double { dead.contains(unit) ? 0 : random.normal() }
    return [(0..<30).map { alive($0 % 10) }, (0..<10).map(alive)]
  }

  private func trained(
    _ batches: Int, loss: (Int) -> Double? = { _ in nil }, dead: (Int) -> Set<Int>
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 21)
    var training = MadeUpTraining([[3, 10], [10]])
    for step in 0..<batches {
      training.batch(layer(dead(step), &random), loss: loss(step))
    }
    return training
  }

  @Test func unitsThatStayDeadAreCountedInTheBias() {
    #expect(trained(64) { _ in Set(0..<4) }.troubles == [])
    let half = trained(64) { _ in Set(0..<6) }
    #expect(half.troubles == [])
    let information = half.finding(.dead, 1)
    #expect(information?.severity == .info && information?.value == 0.6)
    #expect(information?.first.step == 0 && information?.batchCount == 64)
    #expect(half.begun.firstIndex { $0.contains { $0.rule == .dead } } == 15)
    let most = trained(64) { _ in Set(0..<9) }
    #expect(most.troubles == ["dead critical 1 0...63 64"])
    #expect(most.calls == ["15: dead critical"])
    #expect(
      most.finding(.dead, 1)?.evidence(of: "b")
        == "at least 90 % of the elements of the gradient of 'b' are zero in every batch")
    let all = trained(64) { _ in Set(0..<10) }
    #expect(all.finding(.dead, 1)?.symptom == .allZero)
  }

  @Test func unitsThatMerelyRestAreNotDead() {
    // Nine of ten rest in each batch, another one works.
    let resting = trained(200) { step in Set(0..<10).subtracting([step % 10]) }
    #expect(resting.troubles.filter { $0.hasPrefix("dead warning 1") } == [])
    let busyNowAndThen = trained(200) { step in step % 12 == 0 ? [] : Set(0..<9) }
    #expect(busyNowAndThen.troubles == [])
  }

  @Test func deathBeginsWhereItBegan() {
    let training = trained(100) { step in step < 50 ? [] : Set(0..<9) }
    #expect(training.finding(.dead, 1)?.first.step == 50)
    #expect(training.finding(.dead, 1)?.last.step == 99)
  }

  @Test func aNetworkThatLearnsAllTheSameIsWarned() {
    let training = trained(200, loss: { $0 < 20 ? 2 : 0.1 }, dead: { _ in Set(0..<9) })
    #expect(training.finding(.dead, 1)?.severity == .warning)
  }

  @Test func embeddingsAndMissingInputsAreNotUnits() {
    var random = SplitMix64(seed: 22)
    var training = MadeUpTraining([[50, 4], [4, 3], [3]])
    for step in 0..<100 {
      var embedding = [Double](repeating: 0, count: 200)
      for column in 0..<4 { embedding[4 * (step % 50) + column] = random.normal() }
      // Three of four inputs are always zero.
      let kernel = (0..<12).map { $0 < 9 ? 0 : random.normal() }
      training.batch([embedding, kernel, random.normals(3)])
    }
    #expect(training.troubles == [])
  }

  @Test func aKernelWithoutBiasesIsDeadWhenNothingIsLeft() {
    var random = SplitMix64(seed: 23)
    var training = MadeUpTraining([[2, 2], [2, 2]])
    for _ in 0..<40 { training.batch([[0, 0, 0, 0], random.normals(4)]) }
    #expect(training.troubles == ["dead critical 0 0...39 40"])
    #expect(training.finding(.dead, 0)?.symptom == .allZero)
  }

  @Test func weightsWithoutElementsAndScalarsAreNotUnits() {
    var random = SplitMix64(seed: 24)
    var training = MadeUpTraining([[0, 4], [0], [], [4]])
    for _ in 0..<60 { training.batch([[], [], [0], random.normals(4)]) }
    #expect(training.troubles == [])
  }

  @Test func whereNothingIsWrongNothingIsToLearn() {
    let training = trained(64, loss: { _ in 0 }, dead: { _ in Set(0..<10) })
    #expect(training.troubles.filter { $0.hasPrefix("dead") } == [])
  }
}
