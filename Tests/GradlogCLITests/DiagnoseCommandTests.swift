import Foundation
import Gradlog
import Testing

/// `gradlog diagnose` through the built command.
@Suite struct DiagnoseCommandTests {
  private static let digits = Workplace.repository + "/Examples/digits.csv"

  /// Trains a perceptron on digits with the command itself.
  private func train(_ place: Workplace, _ run: String, _ options: String...) throws {
    let trained = try place.gradlog(
      arguments: [
        "train", "--data", Self.digits, "--target", "digit", "--db", "trained.db", "--run", run,
        "--seed", "1", "--capture", "none", "--quiet",
      ] + options)
    #expect(trained == Outcome(code: 0, output: "", talk: ""))
  }

  /// A kernel that is NaN from step 20 on.
  private func recordNaN(_ place: Workplace, _ file: String) throws {
    try GradientRecorder.record(to: place.folder + "/" + file, run: "nan") { recorder in
      for step in 0..<30 {
        let size = Float(1 + step % 3)
        recorder.record(epoch: step / 10, batch: step % 10, loss: 1 / Double(step + 1)) {
          $0.add("a/kernel", [size, -size], shape: [1, 2])
          $0.add("b/kernel", [step < 20 ? 0.1 * size : .nan, 0.1 * size], shape: [2, 1])
        }
      }
    }
  }

  @Test func aReportTellsWhatIsWrong() throws {
    let place = try Workplace()
    try recordNaN(place, "nan.db")
    let outcome = try place.gradlog("diagnose", "nan.db", "--format", "table")
    #expect(outcome.talk == "")
    #expect(outcome.code == 2)
    #expect(
      outcome.output == """
        nan.db, run 'nan': sick
        The gradient of 'b/kernel' has NaN or infinite elements from epoch 2, batch 0
        on.

        1. critical: nonfinite, 'b/kernel'
           since epoch 2, batch 0 (step 20) until the end, in 10 batches
           The gradient of 'b/kernel' has 1 NaN element.
           elements: 1, threshold 0
           To do: look for NaN in the data of epoch 2, batch 0, and for logarithms,
           roots and divisions in the loss; else lower the learning rate.

        Kernels from the input to the loss, with the root mean square of the elements
        that are not zero (logarithmic; median of 21 batches up to step 20):
        a/kernel                      ███████████████████████████████ 2
        b/kernel                      █████████████████ 0.2


        """)
    #expect(try place.gradlog("diagnose", "--db", "nan.db", "--format", "table") == outcome)
    let markdown = try place.gradlog("diagnose", "nan.db", "--format", "markdown")
    #expect(markdown.output.hasPrefix("| file | run | rank | verdict | story | rule |"))
  }

  @Test func whatWasTrainedIsJudged() throws {
    let place = try Workplace()
    try train(place, "healthy", "--standardize", "--epochs", "3")
    try train(
      place, "deep", "--layers", "32,32,32,32,32,32,32,32", "--activation", "sigmoid",
      "--optimizer",
      "sgd", "--epochs", "4")
    try train(
      place, "hot", "--layers", "32,32", "--optimizer", "sgd", "--learning-rate", "1000",
      "--epochs",
      "2")
    let all = try place.gradlog("diagnose", "trained.db", "--format", "json")
    #expect(all.code == 2)
    #expect(all.talk == "3 runs: 2 sick, 1 healthy\n")
    let objects = try #require(
      try JSONSerialization.jsonObject(with: Data(all.output.utf8)) as? [[String: Any]])
    #expect(objects.map { $0["run"] as? String } == ["healthy", "deep", "hot"])
    #expect(objects.map { $0["verdict"] as? String } == ["healthy", "sick", "sick"])
    #expect(objects.map { $0["class"] as? String } == [nil, "vanishing", "exploding"])
    #expect(objects.map { $0["batches"] as? Int } == [171, 228, 114])
    for object in objects {
      #expect(
        Set(object.keys) == [
          "file", "run", "rank", "verdict", "sentence", "class", "batches", "findings",
        ])
      let findings = try #require(object["findings"] as? [[String: Any]])
      for (place, finding) in findings.enumerated() {
        #expect(Set(finding.keys) == Self.findingKeys)
        let isCause = place == 0 && object["class"] is String
        #expect(finding["cause"] as? Bool == isCause)
      }
    }

    let rows = try place.gradlog("diagnose", "trained.db", "--format", "csv").output
    let findings = objects.reduce(0) { $0 + (($1["findings"] as? [Any])?.count ?? 0) }
    #expect(rows.split(separator: "\r\n").count == findings + 1)
    #expect(try place.gradlog("diagnose", "trained.db").output == rows)
    #expect(try place.gradlog("diagnose", "trained.db", "--run", "healthy").code == 0)
    #expect(
      try place.gradlog(
        "diagnose", "--rule", "absent", "--rule", "underflow", "trained.db", "--format", "ndjson"
      )
      .code == 0)
    let lenient = try place.gradlog(
      "diagnose", "trained.db", "--run", "deep", "--rule", "vanishing", "--set",
      "vanishing.drop=30", "--format", "table")
    #expect(lenient.code == 0)
    #expect(lenient.output.hasSuffix("With vanishing.drop=30 (changed from 2)\n"))
  }

  private static let findingKeys: Set<String> = [
    "rule", "severity", "weight", "position", "optimizer", "first_step", "first_epoch",
    "first_batch",
    "last_step", "last_epoch", "last_batch", "batches", "value", "baseline", "threshold",
    "evidence", "advice", "cause",
  ]

  @Test func severalFilesAreDiagnosedAtOnce() throws {
    let place = try Workplace()
    try recordNaN(place, "nan.db")
    let outcome = try place.gradlog(
      "diagnose", "runs.db", "nan.db", "--format", "table", "--output", "report.txt")
    #expect(outcome == Outcome(code: 2, output: "", talk: ""))
    let report = try place.read("report.txt")
    #expect(
      report.hasPrefix(
        "runs.db, run 'digits': healthy\nNothing is wrong so far, but 4 batches are too few"))
    #expect(report.hasSuffix("\n2 runs: 1 sick, 1 healthy\n"))
    #expect(try place.gradlog("diagnose", "runs.db", "nan.db", "--run", "digits").code == 0)
    try place.record("empty.db", "")
    #expect(
      try place.gradlog("diagnose", "empty.db", "--format", "table")
        == Outcome(code: 0, output: "There is no run in 'empty.db' yet.\n", talk: ""))
    #expect(try place.gradlog("diagnose", "empty.db", "--format", "json").output == "[]\n")
  }

  @Test func everyRuleIsExplained() throws {
    let place = try Workplace()
    for rule in Rule.allCases {
      let outcome = try place.gradlog("diagnose", "--explain", rule.rawValue)
      #expect(outcome.code == 0 && outcome.talk == "")
      #expect(outcome.output.hasPrefix("\(rule.rawValue): "))
      #expect(
        outcome.output.contains("\nThresholds:\n  ") && outcome.output.contains("\nSources:\n  "))
      #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
    #expect(
      try place.gradlog("diagnose", "--explain", "absent", "--set", "absent.patience=7.5").output
        .contains("  absent.patience=7.5 (changed from 20): batches in a row without a gradient\n"))
  }

  @Test(arguments: [
    Mistake(1, "diagnose", "missing.db", says: "missing.db"),
    Mistake(1, "diagnose", "runs.db", "--run", "digts", says: "did you mean 'digits'?"),
    Mistake(64, "diagnose", "runs.db", "--rule", "explodin", says: "did you mean \"exploding\"?"),
    Mistake(64, "diagnose", "--explain", "dad", says: "did you mean \"dead\"?"),
    Mistake(64, "diagnose", "runs.db", "--set", "dead.shar=1", says: "did you mean 'dead.share'?"),
    Mistake(64, "diagnose", "runs.db", "--set", "dead.share", says: "not of the form name=value"),
    Mistake(64, "diagnose", "runs.db", "--set", "dead.share=x", says: "'dead.share' is a number"),
    Mistake(64, "diagnose", "runs.db", "--set", "dead.share=-1", says: "cannot be -1"),
    Mistake(64, "diagnose", "runs.db", "--db", "runs.db", says: "given twice"),
    Mistake(64, "diagnose", "runs.db", "--explain", "dead", says: "needs no recording"),
  ])
  func aMistakeIsNamed(_ mistake: Mistake) throws {
    let outcome = try Workplace().gradlog(arguments: mistake.arguments)
    #expect(outcome.code == mistake.code && outcome.output == "")
    #expect(outcome.talk.contains(mistake.sentence), "\(outcome.talk)")
  }
}
