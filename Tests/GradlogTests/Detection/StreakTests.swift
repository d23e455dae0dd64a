import Testing

@testable import Gradlog

@Suite struct StreakTests {
  private func place(_ step: Int) -> BatchPlace {
    BatchPlace(batchID: Int64(step), epoch: 0, batch: step, step: step)
  }

  @Test func countsWhatHoldsWithoutAGap() {
    var random = SplitMix64(seed: 1)
    var streak = Streak()
    var history: [Bool] = []
    for step in 0..<500 {
      let holds = Int.random(in: 0..<4, using: &random) > 0
      #expect(streak.observe(holds, at: place(step)) == holds)
      history.append(holds)
      let run = history.reversed().prefix { $0 }.count
      #expect(streak.length == run)
      if run > 0 { #expect(streak.start == place(step - run + 1)) }
    }
  }
}
