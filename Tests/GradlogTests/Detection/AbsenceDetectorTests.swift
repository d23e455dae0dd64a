import Glibc
import Testing

@testable import Gradlog

@Suite struct AbsenceDetectorTests {
  /// Four layers, with the gradients of some weights left out.
  private func trained(
    _ batches: Int, loss: (Int) -> Double? = { _ in nil }, absent: (Int) -> Set<Int>
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 51)
    var training = MadeUpTraining((0..<4).flatMap { _ in [[2, 2], [2]] })
    for step in 0..<batches {
      let missing = absent(step)
      training.batch(
        (0..<8).map { missing.contains($0) ? nil : random.normals($0 % 2 == 0 ? 4 : 2) },
        loss: loss(step))
    }
    return training
  }

  @Test func layersAtTheInputThatNeverReceiveOneAreCritical() {
    let training = trained(30) { _ in [0, 1, 2, 3] }
    #expect(
      training.troubles == (0..<4).map { "absent critical \($0) 0...29 30" })
    #expect(training.calls == Array(repeating: "19: absent critical", count: 4))
    let finding = training.finding(.absent, 0)
    #expect(finding?.value == 30 && finding?.threshold == 20 && finding?.symptom == .never)
    #expect(finding?.evidence(of: "a") == "'a' never received a gradient")
  }

  @Test func aBranchThatIsNotUsedIsAWarning() {
    #expect(
      trained(30) { _ in [4, 5] }.troubles == (4..<6).map { "absent warning \($0) 0...29 30" })
    // One weight of eight at the input is a small part.
    #expect(trained(30) { _ in [0] }.troubles == ["absent warning 0 0...29 30"])
  }

  @Test func whatIsLostLaterIsSaidSo() {
    let training = trained(60) { $0 < 25 ? [] : [0, 1] }
    #expect(training.troubles == (0..<2).map { "absent critical \($0) 25...59 35" })
    #expect(training.finding(.absent, 0)?.symptom == .noLonger)
    #expect(
      training.finding(.absent, 0)?.evidence(of: "a") == "'a' no longer receives a gradient")
  }

  @Test func itMustLast() {
    #expect(trained(19) { _ in [0, 1] }.troubles == [])
    // Every other batch uses another branch.
    #expect(trained(200) { $0 % 2 == 0 ? [0, 1] : [2, 3] }.troubles == [])
  }

  @Test func aNetworkThatLearnsIsWarnedOnly() {
    let training = trained(200, loss: { 2 * exp(-0.03 * Double($0)) }, absent: { _ in [0, 1] })
    #expect(training.troubles.allSatisfy { $0.hasPrefix("absent warning") })
    #expect(training.troubles.count == 2)
    // It was critical before, and is called out once for each weight, whatever it becomes.
    #expect(training.calls == Array(repeating: "19: absent critical", count: 2))
  }

  @Test func aNetworkWithoutAnyGradientIsCritical() {
    let training = trained(40, loss: { _ in 2 }, absent: { _ in Set(0..<8) })
    #expect(training.troubles.count { $0.hasPrefix("absent critical") } == 8)
  }

  @Test func weightsThatComeLateAreNotAbsent() {
    var random = SplitMix64(seed: 52)
    var training = MadeUpTraining([[2, 2], [2, 2], [2, 2]])
    for step in 0..<100 {
      training.batch((0..<(step < 50 ? 1 : 3)).map { _ in random.normals(4) })
    }
    #expect(training.troubles == [])
  }
}
