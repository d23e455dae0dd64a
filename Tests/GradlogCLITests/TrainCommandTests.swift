import Foundation
import Testing

/// `gradlog train` through the built command, what it records judged by Python.
@Suite struct TrainCommandTests {
  private static let references = Workplace.repository + "/Tests/GradlogTrainerTests/Reference"
  private static let examples = Workplace.repository + "/Examples"

  private static let models: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: references)) ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted()
  }()

  @Test func thereAreModels() {
    #expect(Self.models.count > 50)
  }

  @Test(.enabled(if: Workplace.hasNumpy, "needs Python with numpy"), arguments: models)
  func aModelFileGivesKerasGradients(model: String) throws {
    let place = try Workplace()
    let file = "\(Self.references)/\(model)"
    let trained = try place.gradlog("train", "--model", file, "--db", "keras.db", "--quiet")
    #expect(trained == Outcome(code: 0, output: "", talk: ""))
    let judged = try place.python("keras_gradients.py", file, "keras.db")
    #expect(judged.talk == "" && judged.code == 0)
    #expect(Int(judged.output.dropLast()) ?? 0 > 0)
  }

  @Test(
    .enabled(if: Workplace.hasNumpy, "needs Python with numpy"),
    arguments: [("linear-regression", 40, 2), ("binary-classifier", 12, 6), ("article", 160, 6)])
  func anExamplePrintsWhatTheArticlePrints(name: String, batches: Int, weights: Int) throws {
    let place = try Workplace()
    let trained = try place.gradlog(
      "train", "--example", name, "--print-gradients", "--quiet", "--db", "article.db")
    #expect(trained.code == 0 && trained.talk == "")
    #expect(trained.output == (try place.python("printed_gradients.py", "article.db")).output)
    #expect(
      try place.gradlog(
        "sql", "SELECT count(*) AS n, count(DISTINCT batch_id) AS b FROM gradients",
        "--db", "article.db"
      ).output == "n,b\r\n\(batches * weights),\(batches)\r\n")
  }

  @Test func progressAndResultAreTalk() throws {
    let place = try Workplace()
    let trained = try place.gradlog("train", "--example", "linear-regression", "--db", "new.db")
    let lines = trained.talk.split(separator: "\n").map(String.init)
    #expect(trained.output == "")
    #expect(lines.count == 13)
    #expect(lines[0].hasPrefix("epoch 1/10, batch 4/4, loss "))
    #expect(
      lines[10].hasPrefix(
        "recorded 40 batches of 2 weights as run 'linear-regression' in new.db ("))
    #expect(lines[11] == "no finding while recording")
    #expect(lines[12] == "ask it: gradlog diagnose --db new.db --run linear-regression")
  }

  @Test func runsGetNamesThatAreFree() throws {
    let place = try Workplace()
    for _ in 0..<3 {
      _ = try place.gradlog("train", "--example", "linear-regression", "--db", "new.db", "--quiet")
    }
    #expect(
      try place.gradlog("sql", "SELECT name, finished_at > 0 AS f FROM runs", "--db", "new.db")
        .output
        == "name,f\r\nlinear-regression,1\r\nlinear-regression-2,1\r\nlinear-regression-3,1\r\n")
  }

  @Test func aRunGoesOnOrIsReplaced() throws {
    let place = try Workplace()
    func train(_ more: String...) throws -> Outcome {
      let arguments = ["train", "--example", "linear-regression", "--db", "n.db", "--run", "r"]
      return try place.gradlog(arguments: arguments + ["--quiet"] + more)
    }
    func epochs() throws -> String {
      try place.gradlog(
        "sql",
        "SELECT count(*) AS n, max(epoch) AS e, max(step) AS s, count(DISTINCT step) AS d FROM batches",
        "--db", "n.db"
      ).output
    }
    #expect(try train("--epochs", "2") == Outcome(code: 0, output: "", talk: ""))
    #expect(
      try train("--epochs", "2")
        == Outcome(
          code: 1, output: "",
          talk:
            "gradlog: run \"r\" already holds batches up to epoch 1 batch 3, and the training begins at epoch 0; give this training another run name, begin at epoch 2, or replace what overlaps\n"
        ))
    #expect(try epochs() == "n,e,s,d\r\n8,1,7,8\r\n")
    #expect(try train("--epochs", "3", "--initial-epoch", "2").code == 0)
    #expect(try epochs() == "n,e,s,d\r\n20,4,19,20\r\n")
    #expect(try train("--epochs", "1", "--initial-epoch", "1", "--replace").code == 0)
    #expect(try epochs() == "n,e,s,d\r\n8,1,7,8\r\n")
  }

  @Test func aFindingEndsTheTrainingIfAskedAndIsSaid() throws {
    let place = try Workplace()
    // Six steps of a rate that is far too high are too many for float32.
    let hot = [
      "train", "--example", "linear-regression", "--db", "s.db", "--quiet", "--optimizer", "sgd",
      "--learning-rate", "1e30",
    ]
    let plain = try place.gradlog(arguments: hot + ["--run", "plain"])
    #expect(plain == Outcome(code: 0, output: "", talk: ""))
    let stopped = try place.gradlog(
      arguments: hot + ["--run", "stopped", "--stop-on", "nonfinite", "--log-findings"])
    #expect(stopped.code == 2 && stopped.output == "")
    let lines = stopped.talk.split(separator: "\n").map(String.init)
    let said = lines.filter { $0.hasPrefix("gradlog: run \"stopped\": critical nonfinite in ") }
    #expect(said.count == 1, "\(stopped.talk)")
    #expect(lines.last?.hasPrefix("the training was stopped: critical nonfinite since") == true)
    // Of the other run, what came before the loss was no number, and that batch.
    #expect(
      try place.gradlog(
        "sql",
        """
        SELECT sum(name = 'stopped') AS steps,
          1 + min(step) FILTER (WHERE name = 'plain' AND (loss_is_nan OR loss > 1e300)) AS expected
        FROM batches JOIN runs USING (run_id)
        """, "--db", "s.db"
      ).output == "steps,expected\r\n2,2\r\n")
    let wrong = try place.gradlog(arguments: hot + ["--stop-on", "nan"])
    #expect(wrong.code == 64 && wrong.talk.contains("write one of absent, accumulating, critical"))
  }

  @Test func capturesWhatIsAskedFor() throws {
    let place = try Workplace()
    func captured(_ options: String...) throws -> String {
      let run = "run" + options.joined()
      let trained = try place.gradlog(
        arguments: ["train", "--example", "binary-classifier", "--db", "c.db", "--quiet"]
          + ["--run", run] + options)
      #expect(trained.code == 0)
      return try place.gradlog(
        "sql",
        """
        SELECT count(*) AS n, count(values_blob) AS v, count(DISTINCT step) FILTER
          (WHERE values_blob IS NOT NULL) AS s, count(norm) AS c
        FROM gradients WHERE run = '\(run)'
        """, "--db", "c.db"
      ).output.split(separator: "\r\n").last.map(String.init) ?? ""
    }
    #expect(try captured("--capture", "every-batch") == "72,72,12,72")
    #expect(try captured("--capture", "every:4") == "72,18,3,72")
    #expect(try captured("--capture", "epochs:1..1") == "72,24,4,72")
    #expect(try captured("--capture", "none") == "72,0,0,72")
    #expect(try captured("--capture", "around-findings:2,2") == "72,0,0,72")
    #expect(try captured("--values-as", "bfloat16") == "72,72,12,72")
    #expect(try captured("--budget", "1kB") == "72,0,0,72")
    #expect(try captured("--include", "*/kernel", "--exclude", "dense_2*") == "72,24,12,72")
  }

  @Test func withoutRecordingNothingIsWritten() throws {
    let place = try Workplace()
    let before = try place.names
    #expect(
      try place.gradlog("train", "--example", "linear-regression", "--no-record", "--quiet")
        == Outcome(code: 0, output: "", talk: ""))
    #expect(try place.names == before)
  }
}
