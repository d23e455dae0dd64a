import Testing

@testable import Gradlog

@Suite struct ReadableNumberTests {
  @Test(arguments: [
    (0.0, "0"), (-0.0, "0"), (10, "10"), (12, "12"), (3072, "3072"), (999_999, "999999"),
    (1e6, "1e6"), (12_345_678, "1.23e7"), (8436.2, "8440"), (999.6, "1000"), (999_999.5, "1e6"),
    (0.428, "0.428"), (0.5, "0.5"), (2.302585, "2.3"), (45.27, "45.3"), (-0.4987, "-0.499"),
    (0.0001, "0.0001"), (0.00012345, "0.000123"), (0.000099999, "0.0001"), (0.00001624, "1.62e-5"),
    (0.00009994, "9.99e-5"), (.leastNonzeroMagnitude, "4.94e-324"), (1e300, "1e300"),
    (-1e300, "-1e300"),
    (.infinity, "infinity"), (-.infinity, "-infinity"), (.nan, "NaN"),
  ])
  func threeDigitsAreKept(_ number: Double, _ text: String) {
    #expect(number.short == text)
  }

  @Test(arguments: [
    (0.0, "0 %"), (1, "100 %"), (0.9999, "over 99 %"), (0.995, "over 99 %"), (0.994, "99 %"),
    (0.483, "48 %"), (0.0052, "0.52 %"), (0.01, "1 %"), (0.000303, "0.03 %"), (0.0996, "10 %"),
    (0.09949, "9.9 %"), (3e-9, "3e-7 %"), (12, "1200 %"), (.infinity, "infinity %"),
  ])
  func aShareIsOfAHundred(_ share: Double, _ text: String) {
    #expect(share.percent == text)
  }

  @Test func whatIsReachedIsRoundedDown() {
    #expect(
      [0.5, 0.6875, 0.969, 0.9999, 1].map(\.wholePercent) == [
        "50 %", "68 %", "96 %", "99 %", "100 %",
      ])
  }
}
