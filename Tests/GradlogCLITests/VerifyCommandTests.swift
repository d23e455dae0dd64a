import Foundation
import GRDB
import Gradlog
import Testing

/// `gradlog verify` through the built command: whole outputs and exit codes.
@Suite struct VerifyCommandTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.recordMLP("mlp.db", run: "mlp", batches: 2)
  }

  private func damage(_ sql: String) throws {
    try place.record("mlp.db", sql)
  }

  @Test func aSoundFileIsOneLine() throws {
    let line =
      "mlp.db is sound; checked 1 run, 2 batches, 4 gradients, the statistics of 4 of 4 with values\n"
    #expect(try place.gradlog("verify", "mlp.db") == Outcome(code: 0, output: line, talk: ""))
    #expect(try place.shell("GRADLOG_DB=mlp.db \"$0\" verify --all").output == line)
    #expect(
      try place.gradlog("verify", "mlp.db", "--sample", "0").output
        == line.replacing("of 4 of 4", with: "of 0 of 4"))
    #expect(try place.names == ["mlp.db", "runs.db"])
  }

  @Test func roundedValuesAndABudgetAreSound() throws {
    for options in [
      ["--values-as", "bfloat16"], ["--values-as", "float16"], ["--budget", "1MB"],
    ] {
      #expect(
        try place.gradlog(
          arguments: ["train", "--example", "binary-classifier", "--db", "k.db", "--quiet"]
            + options
        ).code == 0)
    }
    let verified = try place.gradlog("verify", "k.db", "--all")
    #expect(verified.code == 0, "\(verified.output)")
    let replaced = try place.gradlog(
      "train", "--example", "binary-classifier", "--db", "k.db", "--quiet", "--run",
      "binary-classifier-3", "--replace")
    #expect(replaced.code == 0)
    let pruned = try place.gradlog("prune", "--delete-run", "binary-classifier-3", "--db", "k.db")
    #expect(pruned.code == 0)
    #expect(try place.gradlog("verify", "k.db", "--all").code == 0)
    try place.record("k.db", "UPDATE gradient_values SET encoding = 'float8' WHERE gradient_id = 1")
    #expect(
      try place.gradlog("verify", "k.db").output.hasPrefix(
        "values: run 'binary-classifier', epoch 0, batch 0, weight 'dense_0/kernel': the encoding is 'float8'\n"
      ))
  }

  @Test func eachFaultIsALine() throws {
    try damage(
      """
      UPDATE gradient_statistics SET norm = 1 WHERE gradient_id = 2;
      UPDATE gradient_values SET values_blob = x'00' WHERE gradient_id = 3;
      """)
    let first =
      "statistics: run 'mlp', epoch 0, batch 0, weight 'bias': norm is 1.0, the values give 3.0\n"
    let second =
      "values: run 'mlp', epoch 0, batch 1, weight 'kernel': "
      + "values_blob has 1 bytes, float32 [2] has 8\n"
    let checked =
      "checked 1 run, 2 batches, 4 gradients, the statistics of 3 of 4 with values\n"
    #expect(
      try place.gradlog("verify", "--db", "mlp.db")
        == Outcome(
          code: 2, output: first + second + "mlp.db is not sound: 2 faults; " + checked, talk: ""))
    #expect(
      try place.gradlog("verify", "mlp.db", "--limit", "1")
        == Outcome(
          code: 2,
          output: first + "mlp.db is not sound: 2 faults, of which 1 are shown; " + checked,
          talk: ""))
  }

  @Test func faultsAreRowsWhenAFormIsAskedFor() throws {
    try damage("UPDATE gradient_statistics SET norm = 1 WHERE gradient_id = 2")
    let summary =
      "mlp.db is not sound: 1 fault; "
      + "checked 1 run, 2 batches, 4 gradients, the statistics of 4 of 4 with values\n"
    #expect(
      try place.gradlog("verify", "mlp.db", "--format", "csv")
        == Outcome(
          code: 2,
          output: """
            check,run,rank,epoch,batch,weight,problem\r
            statistics,mlp,0,0,0,bias,"norm is 1.0, the values give 3.0"\r

            """, talk: summary))
    #expect(
      try place.gradlog("verify", "mlp.db", "--format", "ndjson").output
        == "{\"check\":\"statistics\",\"run\":\"mlp\",\"rank\":0,\"epoch\":0,\"batch\":0,"
        + "\"weight\":\"bias\",\"problem\":\"norm is 1.0, the values give 3.0\"}\n")
  }

  @Test func whatCannotBeReadIsAFailure() throws {
    try place.write("notes.txt", "notes")
    let outcome = try place.gradlog("verify", "notes.txt")
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty)
    let unknown = try place.gradlog("verify", "mlp.db", "--run", "mpl")
    #expect(
      unknown
        == Outcome(
          code: 1, output: "",
          talk: "gradlog: there is no run 'mpl' in 'mlp.db'; did you mean 'mlp'?\n"))
  }

  @Test(arguments: [
    ["--sample", "2"], ["--sample", "-1"], ["--sample", "nan"], ["--all", "--sample", "0.5"],
    ["--limit", "-1"], ["--db", "mlp.db"],
  ])
  func mistakesAreToldSo(_ arguments: [String]) throws {
    let outcome = try place.shell("\"$0\" verify mlp.db \(arguments.joined(separator: " "))")
    #expect(outcome.code == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.talk.split(separator: "\n").count == 1)
  }

  /// Pages of noise in place of any page: told, or refused when the file cannot be opened at all.
  @Test func noiseInAnyPageIsNotSound() throws {
    let file = URL(fileURLWithPath: place.folder + "/mlp.db")
    // Noise in a page that holds nothing is no fault.
    #expect(try place.shell("sqlite3 mlp.db VACUUM").code == 0)
    let intact = try Data(contentsOf: file)
    for page in 1..<intact.count / 65_536 {
      var damaged = intact
      damaged.replaceSubrange(
        page * 65_536..<(page + 1) * 65_536, with: Data(repeating: 0xA5, count: 65_536))
      try damaged.write(to: file)
      let outcome = try place.gradlog("verify", "mlp.db")
      #expect(outcome.code == 2 || outcome.code == 1, "page \(page): \(outcome)")
      #expect(!outcome.output.contains("is sound"), "page \(page)")
    }
  }
}
