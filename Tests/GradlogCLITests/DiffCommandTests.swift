import Foundation
import GRDB
import Gradlog
import Testing

/// `gradlog diff` through the built command: whole outputs and exit codes.
@Suite struct DiffCommandTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try record("a.db", run: "mlp", change: 0)
    try record("b.db", run: "mlp", change: 0.25)
  }

  /// Six batches of two weights; `change` is added to an element of the second from batch 2 on.
  private func record(_ file: String, run: String, change: Float, batches: Int = 6) throws {
    try GradientRecorder.record(to: place.folder + "/" + file, run: run) { recorder in
      for index in 0..<batches {
        let added = index < 2 ? 0 : change
        recorder.record(
          BatchContext(
            epoch: index / 4, batch: index % 4, loss: Double(index) + Double(added),
            learningRate: change == 0 ? 0.1 : 0.2)
        ) {
          $0.add("dense/kernel", [Float(3), 4], shape: [1, 2])
          $0.add("dense/bias", [Float(index), 3, 4 + added], shape: [3])
        }
      }
    }
  }

  private static let verdict = """
    first difference: epoch 0, batch 2, step 2, weight dense/bias, element [2]: 4.0 against 4.25
    the learning rate differs from epoch 0, batch 0, step 0 on: 0.1 against 0.2
    the loss differs from epoch 0, batch 2, step 2 on: 2.0 against 2.25
    4 of 6 batches differ, compared by values

    """

  @Test func theFirstDifferenceIsASentenceAndTheDriftATable() throws {
    #expect(
      try place.gradlog("diff", "a.db", "b.db", "--format", "table")
        == Outcome(
          code: 2,
          output: """
            step  epoch  batch  weights  differing_weights  worst_weight  max_abs_difference  relative_difference    cosine  loss_a  loss_b
               2      0      2        2                  1  dense/bias                  0.25            0.0464238  0.999549       2    2.25
               3      0      3        2                  1  dense/bias                  0.25            0.0428746  0.999541       3    3.25
               4      1      0        2                  1  dense/bias                  0.25            0.0390434  0.999557       4    4.25
               5      1      1        2                  1  dense/bias                  0.25            0.0353553  0.999592       5    5.25

            """,
          talk: Self.verdict))
  }

  @Test func programsGetEveryColumn() throws {
    let csv = try place.gradlog("diff", "a.db", "b.db", "--weight", "*/bias", "--output", "d.csv")
    #expect(csv == Outcome(code: 2, output: "", talk: Self.verdict))
    #expect(
      try place.read("d.csv").split(separator: "\r\n").prefix(2)
        == [
          "rank,step,epoch,batch,optimizer,call,weights,differing_weights,first_weight,worst_weight,"
            + "max_abs_difference,relative_difference,cosine,loss_a,loss_b,compared_by",
          "0,2,0,2,\"\",0,1,1,dense/bias,dense/bias,0.25,0.046423834544262965,0.9995489165092577,2.0,2.25,"
            + "values",
        ])
    let all = try place.gradlog("diff", "a.db", "b.db", "--all", "--format", "ndjson").output
    #expect(all.split(separator: "\n").count == 6)
    #expect(
      all.hasPrefix(
        "{\"rank\":0,\"step\":0,\"epoch\":0,\"batch\":0,\"optimizer\":\"\",\"call\":0,\"weights\":2,"
          + "\"differing_weights\":0,\"first_weight\":null,\"worst_weight\":null,"
          + "\"max_abs_difference\":0.0,\"relative_difference\":0.0,\"cosine\":1.0,\"loss_a\":0.0,"
          + "\"loss_b\":0.0,\"compared_by\":\"values\"}\n"))
  }

  @Test func equalRunsAreIdentical() throws {
    let identical = Outcome(
      code: 0, output: "", talk: "identical in all 6 batches, compared by values\n")
    #expect(try place.gradlog("diff", "a.db", "a.db", "--format", "table") == identical)
    #expect(
      try place.gradlog("diff", "a.db", "b.db", "--weight", "dense/kernel", "--format", "table")
        .code
        == 0)
    #expect(
      try place.gradlog("diff", "a.db", "b.db", "--atol", "0.25", "--format", "json")
        == Outcome(
          code: 0, output: "[]\n",
          talk: """
            equal within rtol 0, atol 0.25 in all 6 batches, compared by values
            the learning rate differs from epoch 0, batch 0, step 0 on: 0.1 against 0.2

            """))
    #expect(try place.gradlog("diff", "a.db", "b.db", "--rtol", "0.01").code == 2)
    #expect(try place.names == ["a.db", "b.db", "runs.db"])
  }

  @Test func runsOfOneFileAreNamedWithoutCare() throws {
    try record("two.db", run: "C:before", change: 0)
    try record("two.db", run: "C:after", change: 0.25, batches: 4)
    let outcome = try place.gradlog(
      "diff", "--db", "two.db", "C:before", "C:after", "--format", "markdown")
    #expect(
      outcome
        == Outcome(
          code: 2,
          output: """
            | step | epoch | batch | weights | differing_weights | worst_weight | max_abs_difference | relative_difference | cosine | loss_a | loss_b |
            | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |
            | 2 | 0 | 2 | 2 | 1 | dense/bias | 0.25 | 0.0464238 | 0.999549 | 2 | 2.25 |
            | 3 | 0 | 3 | 2 | 1 | dense/bias | 0.25 | 0.0428746 | 0.999541 | 3 | 3.25 |

            """,
          talk: """
            first difference: epoch 0, batch 2, step 2, weight dense/bias, element [2]: 4.0 against 4.25
            the learning rate differs from epoch 0, batch 0, step 0 on: 0.1 against 0.2
            the loss differs from epoch 0, batch 2, step 2 on: 2.0 against 2.25
            2 of 4 batches differ, compared by values
            2 batches are only in run 'C:before': the first epoch 1, batch 0, step 4, the last epoch 1, batch 1, step 5

            """))
    #expect(
      try place.gradlog("diff", "two.db", "b.db", "--run", "C:after", "--run-b", "mlp").talk
        == """
        no difference in what both have: 4 batches, compared by values
        2 batches are only in 'b.db': the first epoch 1, batch 0, step 4, the last epoch 1, batch 1, step 5

        """)
  }

  @Test func valuesThatWereDroppedLeaveStatistics() throws {
    #expect(try place.gradlog("prune", "--values", "--all", "--db", "b.db").code == 0)
    let outcome = try place.gradlog("diff", "a.db", "b.db", "--format", "table")
    #expect(outcome.code == 2)
    #expect(
      outcome.talk
        == """
        first difference: epoch 0, batch 2, step 2, weight dense/bias, norm: 5.385164807134504 against 5.573374202401989
        the learning rate differs from epoch 0, batch 0, step 0 on: 0.1 against 0.2
        the loss differs from epoch 0, batch 2, step 2 on: 2.0 against 2.25
        4 of 6 batches differ, compared by statistics, as the values are not in both

        """)
    #expect(
      outcome.output.split(separator: "\n")[1].split(separator: " ").joined(separator: " ")
        == "2 0 2 2 1 dense/bias 0.25 0.0349496 NULL 2 2.25 statistics")
  }

  /// Everything that can be unlike, in one output.
  @Test func whatIsNotComparedIsSaid() throws {
    try GradientRecorder.record(to: place.folder + "/c.db", run: "mlp") { recorder in
      for index in 0..<6 {
        recorder.record(BatchContext(epoch: 1 + index / 4, batch: index % 4)) {
          $0.add("dense/kernel", [Float(3), 4], shape: [2, 1])
          $0.add("dense/bias", [Double(index), 3, 4], shape: [3])
          $0.add("dense/scale", [Float(1)], shape: [])
        }
      }
    }
    try place.record("c.db", "UPDATE runs SET stage = 'applied'")
    #expect(
      try place.gradlog("diff", "a.db", "c.db", "--format", "table")
        == Outcome(
          code: 2, output: "",
          talk: """
            no difference in what both have: 6 batches, compared by values
            'a.db' holds raw gradients, 'c.db' applied ones
            batches are matched by step: by epoch and batch, only 2 would be; --align epoch does that
            1 weight is only in 'c.db': dense/scale
            weight dense/kernel is not compared: its shape is [1,2] in 'a.db', [2,1] in 'c.db'
            weight dense/bias is float32 in 'a.db', float64 in 'c.db'

            """))
  }

  /// Two real trainings: another learning rate shows from the first update on.
  @Test(.enabled(if: Workplace.hasNumpy, "numpy is not installed"))
  func aSecondReaderFindsTheSame() throws {
    for (file, options) in [
      ("x.db", []), ("y.db", []), ("z.db", ["--learning-rate", "0.02"]),
    ] {
      let trained = try place.gradlog(
        arguments: ["train", "--example", "binary-classifier", "--db", file, "--quiet"] + options)
      #expect(trained.code == 0, "\(trained.talk)")
    }
    #expect(try place.gradlog("diff", "x.db", "y.db", "--run", "binary-classifier").code == 0)
    let outcome = try place.gradlog(
      "diff", "x.db", "z.db", "--all", "--format", "ndjson", "--output", "rows")
    #expect(outcome.code == 2)
    try place.write("sentences", outcome.talk)
    let read = try place.python("compared_runs.py", "x.db", "z.db", "rows", "sentences")
    #expect(read.code == 0, "\(read.talk)")
    #expect((Int(read.output.dropLast()) ?? 0) > 10)
  }

  private static let mistakes = [
    Mistake(64, "diff", "a.db", says: "Missing expected argument '<b>'; see 'gradlog diff --help'"),
    Mistake(
      64, "diff", "a.db", "b.db", "--rtol", "-1",
      says: "--rtol is -1.0; give a number, 0 or more; see 'gradlog diff --help'"),
    Mistake(
      64, "diff", "a.db", "b.db", "--atol", "nan",
      says: "--atol is nan; give a number, 0 or more; see 'gradlog diff --help'"),
    Mistake(
      64, "diff", "--db", "a.db", "mlp", "mlp", "--run", "mlp",
      says:
        "With --db, A and B are the runs; leave out --run and --run-b; see 'gradlog diff --help'"),
    Mistake(
      1, "diff", "mlp", "mlp-2",
      says:
        "there is no file 'mlp'; check the path, or give the file of both runs: gradlog diff --db FILE A B"
    ),
    Mistake(
      1, "diff", "--db", "a.db", "mlp", "mpl",
      says: "there is no run 'mpl' in 'a.db'; did you mean 'mlp'?"),
    Mistake(
      64, "diff", "both.db", "a.db",
      says: "'both.db' holds 2 runs; choose one with --run: 'mlp', 'other'"),
    Mistake(
      64, "diff", "a.db", "both.db",
      says: "'both.db' holds 2 runs; choose one with --run-b: 'mlp', 'other'"),
    Mistake(
      1, "diff", "a.db", "b.db", "--weight", "*/gamma",
      says:
        "no weight of run 'mlp' matches '*/gamma'; there is 'dense/kernel', 'dense/bias'"),
    Mistake(
      1, "diff", "a.db", "runs.db",
      says:
        "run 'mlp' in 'a.db' and run 'digits' in 'runs.db' have no weight of the same name and shape "
        + "in common; compare two trainings of one model"),
  ]

  @Test(arguments: mistakes)
  func mistakesAreToldInOneSentence(_ mistake: Mistake) throws {
    try record("both.db", run: "mlp", change: 0)
    try record("both.db", run: "other", change: 0)
    let outcome = try place.gradlog(arguments: mistake.arguments)
    #expect(
      outcome == Outcome(code: mistake.code, output: "", talk: "gradlog: \(mistake.sentence)\n"))
  }
}
