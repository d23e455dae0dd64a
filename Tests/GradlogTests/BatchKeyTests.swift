import Testing

@testable import Gradlog

@Suite struct BatchKeyTests {
  /// Against a plain dictionary, with batches that are lost and keys that other recorders took.
  @Test func batchesAreFoundAndLostOnesStoodFor() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<50 {
      var keys = BatchKeys()
      var known: [Int64: Int64] = [:]
      var batchID: Int64 = 3
      for number in Int64(1)...60 where random.next() % 4 != 0 {
        if random.next() % 10 == 0 {
          // A transaction that is lost.
          let length = keys.length
          for lost in 0..<Int64(random.next() % 7) {
            keys.append(batchID + 1 + 2 * (lost / 3), of: number + lost)
          }
          keys.cut(to: length)
        }
        batchID += random.next() % 5 == 0 ? 7 : 1
        keys.append(batchID, of: number)
        known[number] = batchID
      }
      #expect(keys.length == known.count)
      for number in Int64(0)...62 {
        let next = known.keys.filter { $0 >= number }.min()
        let last = known.keys.filter { $0 <= number }.max()
        #expect(keys.first(from: number) == next.flatMap { known[$0] })
        #expect(keys.last(upTo: number) == last.flatMap { known[$0] })
      }
    }
  }

  @Test func whatTheRunHeldBeforeIsFoundByItsKey() {
    var keys = BatchKeys(upTo: 40)
    #expect(keys.first(from: 7) == 7 && keys.last(upTo: 40) == 40)
    // Lost as soon as it was judged.
    #expect(keys.first(from: 41) == nil && keys.last(upTo: 41) == 40)
    keys.lastKept = 33
    #expect(keys.last(upTo: 41) == 33)
    // Its end was cut off, and its keys are given again.
    keys.append(34, of: 42)
    #expect(keys.first(from: 41) == 34 && keys.last(upTo: 41) == 33)
    #expect(keys.first(from: 42) == 34 && keys.last(upTo: 43) == 34)
    #expect(keys.first(from: 30) == 30 && keys.last(upTo: 30) == 30)
  }

  @Test func nothingIsFoundInNothing() {
    #expect(BatchKeys().first(from: 1) == nil)
    #expect(BatchKeys().last(upTo: 1) == nil)
  }
}
