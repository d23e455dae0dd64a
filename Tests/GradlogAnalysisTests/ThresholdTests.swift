import Testing

@testable import Gradlog
@testable import GradlogAnalysis

/// The names of the thresholds, and what is explained of them.
struct ThresholdTests {
  @Test func everyThresholdHasAName() {
    let properties = Mirror(reflecting: Thresholds()).children.count
    #expect(Thresholds.all.count == properties)
    #expect(Set(Thresholds.all.map(\.name)).count == properties)
    // Two names for one property would leave another without.
    #expect(Set(Thresholds.all.map { $0.path as AnyKeyPath }).count == properties)
  }

  /// A formula names what it judges by, and nothing that is not there.
  @Test(arguments: Rule.allCases)
  func theFormulaNamesTheThresholds(_ rule: Rule) {
    let explanation = RuleExplanation(rule)
    let words = explanation.formula.split { !($0.isLetter || $0 == "." || $0 == "-") }
      .map { $0.hasSuffix(".") ? $0.dropLast() : $0[...] }
    let named = Set(words.filter { $0.contains(".") }.map(String.init))
    #expect(named == Set(explanation.thresholds.map(\.name)))
    #expect(!explanation.sources.isEmpty && explanation.summary.hasSuffix("."))
  }

  @Test func aChangedThresholdIsUsedAndTold() throws {
    var options = DiagnosisOptions()
    #expect(options.changedThresholds.isEmpty)
    try options.set("exploding.growth", to: 7.5)
    #expect(options.changedThresholds.map(\.name) == ["exploding.growth"])
    let explained = RuleExplanation(.exploding, options: options).thresholds
    #expect(explained.first { $0.name == "exploding.growth" }?.value == 7.5)
    #expect(
      explained.first { $0.name == "exploding.growth" }?.calibrated == Thresholds().explodingGrowth)
  }

  @Test(arguments: [
    ("exploding.grwth", 1.0, "'exploding.growth'"), ("vanishing.drop", Double.nan, "a number from"),
    ("exploding.aftermath", 1e300, "a number from"), ("dead.share", -1, "a number from"),
    ("oscillation.cosine", -2, "a number from"),
  ])
  func aThresholdThatCannotBeIsRefused(name: String, value: Double, says remedy: String) {
    var options = DiagnosisOptions()
    let error = #expect(throws: GradlogError.self) { try options.set(name, to: value) }
    #expect(error?.remedy.contains(remedy) == true)
    #expect(options == DiagnosisOptions())
  }

  @Test func anyValueInItsRangeDoesNoHarm() throws {
    let file = try RandomRecording(seed: 2)
    let recording = try Recording(path: file.path)
    for threshold in Thresholds.all {
      for value in [threshold.range.lowerBound, threshold.range.upperBound] {
        var options = DiagnosisOptions()
        try options.set(threshold.name, to: value)
        #expect(try recording.diagnose(options).count == 3)
      }
    }
  }
}
