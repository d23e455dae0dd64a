import Foundation
import Testing

/// What each command prints, whole, through the built command.
@Suite struct CommandTests {
  @Test func runsListsTheRuns() throws {
    let place = try Workplace()
    let outcome = try place.gradlog("runs", "runs.db", "--format", "table")
    #expect(
      outcome.output == """
        run     state     started_at           stage  weights  epochs  batches  value_bytes
        digits  finished  2024-11-23 07:07:58  raw          3       2        4          192

        """)
    #expect(outcome.talk == "runs.db: 1 MiB\n")
    #expect(outcome.code == 0)
  }

  @Test func runsSaysWhatIsWrong() throws {
    let place = try Workplace()
    try place.record(
      "sick.db",
      """
      INSERT INTO runs (name, stage, started_at, recorder_host, recorder_process, dropped_batches,
        failure) VALUES ('deep', 'applied', 1, 'another machine', 1, 2, 'the disk was full');
      INSERT INTO weights (run_id, position, name) VALUES (1, 0, 'a'), (1, 1, 'b');
      INSERT INTO batches (run_id, epoch, batch, step, recorded_at, first_gradient_id, gradient_count)
        VALUES (1, 3, 5, 0, 1, 1, 0);
      INSERT INTO findings (run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, advice) VALUES (1, 1, 'exploding', 'warning', 1, 1, 90, ''),
        (1, 2, 'vanishing', 'critical', 1, 1, 1, '');
      """)
    let outcome = try place.gradlog("runs", "--db", "sick.db")
    #expect(
      outcome.output.split(separator: "\r\n").last
        == "deep,0,interrupted,1970-01-01 00:00:01,applied,2,1,1,0,2,0,\"critical: vanishing of b since epoch 3, batch 5\",the disk was full,,"
    )
  }

  @Test func theFileComesFromTheEnvironment() throws {
    let place = try Workplace()
    let sql = "sql 'SELECT count(*) AS n FROM gradients'"
    #expect(try place.shell("GRADLOG_DB=runs.db \"$0\" \(sql)").output == "n\r\n12\r\n")
    #expect(try place.shell("cp runs.db gradlog.db; \"$0\" \(sql)").output == "n\r\n12\r\n")
  }

  @Test func aQuestionIsAskedOfAPartOfTheFile() throws {
    let place = try Workplace()
    try place.write(
      "norms.sql",
      """
      -- title: norms
      SELECT epoch, batch, weight, norm FROM gradients
      WHERE weight GLOB coalesce(:weight, '*') AND norm > coalesce(:above, 0)
        AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 1000);
      """)
    let outcome = try place.gradlog(
      "query", "norms.sql", "--db", "runs.db", "--weight", "*/kernel", "--epoch", "1..", "--set",
      "above=2.3", "--limit", "1")
    #expect(
      outcome
        == Outcome(
          code: 0, output: "epoch,batch,weight,norm\r\n1,1,dense_0/kernel,2.5\r\n", talk: ""))
    let none = try place.gradlog(
      "query", "-", "--db", "runs.db", "--set", "above=1e9", "--format", "json",
      input: try place.read("norms.sql"))
    #expect(
      none == Outcome(code: 0, output: "[]\n", talk: "'stdin' finds nothing in 'runs.db'.\n"))
  }

  @Test func everyQuestionIsListedAndDescribed() throws {
    let place = try Workplace()
    let list = try place.gradlog("query", "--list", "--format", "csv").output
    let names = list.split(separator: "\r\n").dropFirst().compactMap {
      $0.split(separator: ",").first
    }
    #expect(names.contains("vanishing"))
    for name in names {
      let outcome = try place.gradlog("query", "--describe", String(name))
      #expect(outcome.code == 0)
      #expect(outcome.output.hasPrefix("\(name): "))
      #expect(try place.gradlog("query", String(name), "--db", "runs.db").code == 0, "\(name)")
    }
  }

  @Test func showPrintsOneGradient() throws {
    let outcome = try Workplace().gradlog("show", "--db", "runs.db", "--weight", "dense_0/kernel")
    let expected = """
      weight dense_0/kernel (position 0): float32 [2,3], 6 elements
      run digits, epoch 1, batch 1, step 3
      stage raw, loss 0.25, learning rate 0.01

      norm                  2.5  rms                     2  std                   0.5
      mean                    1  mean_abs                1  max_abs                 3
      min                     1  max                     3  sum                     6
      abs_p1                  1  abs_p25                 1  abs_median              2
      abs_p75                 3  abs_p95                 3  abs_p99                 3
      zero_count              0
      nan_count               0  posinf_count            0  neginf_count            0
      finite_count            6
      float16_underflow       0  bfloat16_underflow      0

      elements by size of |g|:
      2^0  ████████████████████                      1 (33.3 %)
      2^1  ████████████████████████████████████████  2 (66.7 %)

      [[1. 2. 3.]
       [4. 5. 6.]]

      """
    #expect(outcome == Outcome(code: 0, output: expected, talk: ""))
  }

  @Test func showGivesTheValuesToPrograms() throws {
    let place = try Workplace()
    let bias = ["--db", "runs.db", "--weight", "dense_0/bias", "--epoch", "0", "--batch", "1"]
    #expect(
      try place.shell("\"$0\" show \(bias.joined(separator: " ")) --format csv").output
        == "index,value\r\n0,1.0\r\n1,2.0\r\n2,3.0\r\n")
    let json = try place.shell("\"$0\" show \(bias.joined(separator: " ")) --format json").output
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect(object["values"] as? [Double] == [1, 2, 3])
    #expect(object["shape"] as? [Int] == [3])
    #expect(object["batch"] as? Int == 1)
    #expect(object["norm"] as? Double == 1.25)
    let npy = try place.shell(
      "\"$0\" show \(bias.joined(separator: " ")) --format npy --output w.npy; tail -c 12 w.npy | od -An -tf4"
    )
    #expect(npy.output.split(separator: " ").map { $0.filter { $0 != "\n" } } == ["1", "2", "3"])
  }

  @Test func exportWritesCSVAndFilters() throws {
    let place = try Workplace()
    let weights = try place.gradlog("export", "--db", "runs.db", "--what", "weights")
    #expect(
      weights.output.split(separator: "\r\n") == [
        "run,rank,position,weight,dtype,shape,element_count",
        "digits,0,0,dense_0/kernel,float32,\"[2,3]\",6", "digits,0,1,dense_0/bias,float32,[3],3",
        "digits,0,2,'=dense_1/kernel,float32,\"[3,1]\",3",
      ])
    let batches = try place.gradlog(
      "export", "--db", "runs.db", "--what", "batches", "--epoch", "1", "--limit", "1")
    #expect(
      batches.output.split(separator: "\r\n").last
        == "digits,0,raw,1,0,2,\"\",0,0.3333333333333333,0,0.01,,1732345679.0,3")
    let values = try place.gradlog(
      "export", "--db", "runs.db", "--what", "values", "--weight", "dense_0/b*", "--epoch", "..0",
      "--output", "v.csv")
    #expect(values == Outcome(code: 0, output: "", talk: ""))
    #expect(
      try place.read("v.csv").split(separator: "\r\n") == [
        "run,rank,epoch,batch,step,weight,index,value", "digits,0,0,0,0,dense_0/bias,0,1.0",
        "digits,0,0,0,0,dense_0/bias,1,2.0", "digits,0,0,0,0,dense_0/bias,2,3.0",
        "digits,0,0,1,1,dense_0/bias,0,1.0", "digits,0,0,1,1,dense_0/bias,1,2.0",
        "digits,0,0,1,1,dense_0/bias,2,3.0",
      ])
  }

  /// Both readers walk the same view, so a difference is a mistake in how a number is written.
  @Test func exportedStatisticsAreTheViewItself() throws {
    let place = try Workplace()
    let header = try #require(
      try place.gradlog("export", "--db", "runs.db").output.split(separator: "\r\n").first)
    let sql = try place.gradlog(
      "sql", "SELECT \(header) FROM gradients ORDER BY gradient_id", "--db", "runs.db")
    #expect(try place.gradlog("export", "--db", "runs.db").output == sql.output)
    #expect(sql.output.split(separator: "\r\n").count == 13)
  }

  @Test func aTensorIsNeverWholeInMemory() throws {
    let place = try Workplace()
    try place.record(
      "large.db",
      """
      INSERT INTO runs (name, stage, started_at) VALUES ('r', 'raw', 1);
      INSERT INTO weights (run_id, position, name, dtype, shape, element_count)
        VALUES (1, 0, 'w', 'float32', '[40000000]', 40000000);
      INSERT INTO batches (run_id, epoch, batch, step, recorded_at, first_gradient_id, gradient_count)
        VALUES (1, 0, 0, 0, 1, 1, 1);
      INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id) VALUES (1, 1, 1);
      INSERT INTO gradient_values VALUES (1, 'dense', zeroblob(160000000));
      """)
    // The address space of the command is held to what fits it, the libraries and less than the tensor.
    let outcome = try place.shell(
      """
      ulimit -v 190000
      "$0" export --db large.db --what values --limit 1000000 --output v.csv; wc -l <v.csv
      """)
    #expect(outcome == Outcome(code: 0, output: "1000001\n", talk: ""))
  }

  @Test func readingLeavesNothingBehind() throws {
    let place = try Workplace()
    let before = try Data(contentsOf: URL(fileURLWithPath: place.folder + "/runs.db"))
    for command in [
      "runs", "query largest", "show --weight dense_0/bias", "export", "sql 'SELECT 1'",
    ] {
      #expect(try place.shell("\"$0\" \(command) --db runs.db").code == 0, "\(command)")
    }
    #expect(try place.names == ["runs.db"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: place.folder + "/runs.db")) == before)
  }

  @Test(.enabled(if: geteuid() == 0, "needs root to become somebody who may not write"))
  func aReadOnlyFileInAReadOnlyFolderIsRead() throws {
    let place = try Workplace()
    // As Python and others leave a file that was in WAL mode: closed, with no log.
    let outcome = try place.shell(
      """
      sqlite3 runs.db 'PRAGMA journal_mode = WAL' >.mode && rm .mode
      cp "$0" command; chmod 755 command; mkdir locked; mv runs.db locked/; chmod 444 locked/runs.db
      chmod 555 locked; setpriv --reuid 65534 --clear-groups ./command runs locked/runs.db >/dev/null
      echo $? $(ls locked)
      """)
    #expect(outcome.output == "0 runs.db\n", "\(outcome.talk)")
  }

  @Test(.enabled(if: geteuid() == 0, "needs root to become somebody who may not write"))
  func aLogThatCannotBeReadIsExplained() throws {
    let place = try Workplace()
    // A recorder that was killed leaves a log; its index was not copied along.
    let outcome = try place.shell(
      """
      mkdir locked; cp "$0" command; chmod 755 command; sqlite3 runs.db 'PRAGMA journal_mode = WAL' >.mode
      rm .mode; echo log >locked/runs.db-wal; mv runs.db locked/; chmod 555 locked
      setpriv --reuid 65534 --clear-groups ./command runs locked/runs.db
      """)
    #expect(
      outcome
        == Outcome(
          code: 1, output: "",
          talk:
            "gradlog: 'locked/runs.db' has a log beside it, 'locked/runs.db-wal', in a folder that "
            + "cannot be written; copy both files to a folder that you may write to, and read the "
            + "copy\n"))
  }

  @Test func helpAndVersionAreData() throws {
    let place = try Workplace()
    #expect(try place.gradlog("--version").output == "0.1.0\n")
    for command in ["runs", "query", "show", "diff", "export", "sql"] {
      let outcome = try place.gradlog(command, "--help")
      #expect(outcome.code == 0)
      #expect(outcome.output.hasPrefix("OVERVIEW: "))
      #expect(outcome.talk.isEmpty)
    }
  }
}

/// Output files through links.
@Suite struct OutputLinkTests {
  @Test func aLinkStaysALinkAndItsTargetKeepsItsMode() throws {
    let place = try Workplace()
    let outcome = try place.shell(
      """
      echo old > real.csv; chmod 600 real.csv; ln -s real.csv link.csv
      "$0" export --db runs.db --what weights --output link.csv
      readlink link.csv; stat -c %a real.csv; head -c 5 real.csv
      """)
    #expect(outcome == Outcome(code: 0, output: "real.csv\n600\nrun,r", talk: ""))
  }
}
