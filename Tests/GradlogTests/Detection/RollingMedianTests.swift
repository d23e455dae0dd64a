import Testing

@testable import Gradlog

@Suite struct RollingMedianTests {
  @Test(arguments: [1, 2, 3, 8, 16, 31])
  func isTheQuantileOfTheLastValues(capacity: Int) {
    var random = SplitMix64(seed: UInt64(capacity))
    var median = RollingMedian(of: capacity)
    var history: [Double] = []
    #expect(median.median.isNaN && !median.isFull)
    for _ in 0..<300 {
      // Few different values, so that equal ones meet, and the ends of the line.
      let value = [-.infinity, -1e308, -0.0, 0, .leastNonzeroMagnitude, 1, 2, .infinity]
        .randomElement(using: &random)!
      median.add(value)
      history.append(value)
      let window = history.suffix(capacity).sorted()
      #expect(median.count == window.count)
      #expect(median.isFull == (history.count >= capacity))
      for share in [0, 0.25, 0.5, 0.9, 1] {
        // The smallest value with at least that share at or below, or the next one above.
        let found = median.quantile(share)
        let below = window.count { $0 < found }
        let upTo = window.count { $0 <= found }
        #expect(Double(below) <= share * Double(window.count))
        #expect(Double(upTo) > share * Double(window.count) || found == window.last)
      }
      #expect(median.median == window[window.count / 2])
    }
  }
}
