import Testing

/// Mistakes: each gives one sentence with a remedy on stderr, nothing on stdout, and the right exit
/// code.
///
/// Through the built command.
@Suite struct WrongInvocationTests {
  private static let give = "give a file that gradlog recorded"
  private static let columns =
    "'gradlog sql \"PRAGMA table_info(gradients)\"' lists the columns there are"
  private static let mend = "mend the statement, and mind that gradlog only reads"
  private static let readOnly =
    "SQLite refused to change the file (attempt to write a readonly database); "
    + "gradlog only reads: write a SELECT"

  private static let settings = [
    Mistake(
      64, "query", "vanishing", "--set", "threshold=abc",
      says:
        "--set threshold=abc: 'threshold' is REAL, write a number; see 'gradlog query --help'"),
    Mistake(
      64, "query", "vanishing", "--set", "consecutive=2.5",
      says:
        "--set consecutive=2.5: 'consecutive' is INTEGER, write a number; see 'gradlog query --help'"
    ),
    Mistake(
      64, "query", "vanishing", "--set", "run=digits", "--run", "digits",
      says: "The parameter 'run' is set twice; see 'gradlog query --help'"),
    Mistake(
      64, "query", "vanishing", "--list", "--describe", "dead",
      says: "--list and --describe are two questions; ask one; see 'gradlog query --help'"),
    Mistake(
      1, "query", "vanishing", "--db", "runs.db", "--epoch", "7..",
      says: "no batch of these epochs was recorded; the epochs are 0 to 1"),
    Mistake(
      64, "query", "vanishing", "--limit", "0",
      says: "--limit is 0; give the number of rows, 1 or more; see 'gradlog query --help'"),
  ]

  private static let files = [
    Mistake(
      64, "export", "--db", "runs.db", "--output", "runs.db",
      says:
        "'runs.db' is an SQLite database, perhaps the recording itself; write to another file, or remove that one first"
    ),
    Mistake(
      1, "runs",
      says:
        "there is no file 'gradlog.db'; check the path, or name the file with --db or $GRADLOG_DB"),
    Mistake(
      1, "runs", "missing.db",
      says:
        "there is no file 'missing.db'; check the path, or name the file with --db or $GRADLOG_DB"),
    Mistake(
      1, "show", "--db", "folder",
      says: "'folder' is a folder; name the file inside it that gradlog recorded"),
    Mistake(1, "runs", "notes.txt", says: "'notes.txt' is not an SQLite database; \(give)"),
    Mistake(
      1, "runs", "other.db",
      says: "'other.db' is an SQLite database that gradlog did not write; \(give)"),
    Mistake(
      1, "runs", "empty.db", says: "'empty.db' is empty: nothing was recorded in it; \(give)"),
    Mistake(
      1, "runs", "newer.db",
      says:
        "'newer.db' has format 5 and this gradlog reads up to format 4; install a newer gradlog"),
    Mistake(
      64, "runs", "runs.db", "--db", "runs.db",
      says:
        "The recording is given twice; leave out the argument or --db; see 'gradlog runs --help'"),
  ]

  private static let names = [
    Mistake(
      1, "query", "largest", "--run", "digts",
      says: "there is no run 'digts' in 'runs.db'; did you mean 'digits'?"),
    Mistake(
      1, "export", "--run", "nothing-like-it",
      says: "there is no run 'nothing-like-it' in 'runs.db'; there is 'digits'"),
    Mistake(
      1, "query", "largest", "--weight", "dense_0/kernle",
      says: "no weight matches 'dense_0/kernle'; did you mean 'dense_0/kernel'?"),
    Mistake(
      1, "export", "--run", "digits", "--weight", "*/gamma",
      says:
        "no weight of run 'digits' matches '*/gamma'; "
        + "there is 'dense_0/kernel', 'dense_0/bias', '=dense_1/kernel'"),
    Mistake(
      64, "query", "largest", "--weight", "dense_[0",
      says:
        "the pattern 'dense_[0' has a '[' without its ']'; "
        + "close it, as in 'dense_[0-3]/*', or write '[[]' for the bracket itself"),
    Mistake(
      64, "show",
      says:
        "'runs.db' holds 3 weights; "
        + "choose one with --weight: 'dense_0/kernel', 'dense_0/bias', '=dense_1/kernel'"),
    Mistake(
      1, "show", "--weight", "dense_0/bais",
      says: "there is no weight 'dense_0/bais' in 'runs.db'; did you mean 'dense_0/bias'?"),
    Mistake(
      1, "show", "--weight", "dense_0/bias", "--epoch", "7",
      says: "run 'digits' has no gradient of 'dense_0/bias' at epoch 7; its last epoch is 1"),
    Mistake(
      1, "show", "--weight", "dense_0/bias", "--epoch", "1", "--batch", "9",
      says:
        "run 'digits' has no gradient of 'dense_0/bias' at epoch 1, batch 9; "
        + "there are epochs up to 1 and batches up to 1"),
    Mistake(
      1, "query", "missing.sql",
      says:
        "the question 'missing.sql' cannot be read; "
        + "check the path; the questions that are built in have no .sql at their end"),
    Mistake(
      64, "query", "largest", "--set", "treshold=3",
      says: "the question 'largest' has no parameter 'treshold'; "
        + "there is 'epoch_from', 'epoch_to', 'limit', 'run', 'weight'"),
  ]

  private static let arguments = [
    Mistake(
      64, "query",
      says: "Name a question; 'gradlog query --list' shows them; "
        + "see 'gradlog query --help'"),
    Mistake(
      64, "query", "largest", "--epoch", "-1",
      says:
        "The value '-1' is invalid for '--epoch <a..b>': epochs are counted from 0; "
        + "see 'gradlog query --help'"),
    Mistake(
      64, "export", "--epoch", "5..2",
      says:
        "The value '5..2' is invalid for '--epoch <a..b>': the first epoch is after the last; "
        + "see 'gradlog export --help'"),
    Mistake(
      64, "export", "--epoch", "..",
      says:
        "The value '..' is invalid for '--epoch <a..b>': write 3, 3..7, 3.. or ..7; "
        + "see 'gradlog export --help'"),
    Mistake(
      64, "query", "largest", "--limit", "-3",
      says:
        "--limit is -3; give the number of rows, 1 or more; see 'gradlog query --help'"),
    Mistake(
      64, "show", "--batch", "-1",
      says: "--batch is -1; it is counted from 0; see 'gradlog show --help'"),
    Mistake(
      64, "query", "largest", "--set", "limit",
      says: "--set 'limit' is not of the form name=value; see 'gradlog query --help'"),
    Mistake(
      64, "sql", "SELECT 1", "--format", "xml",
      says:
        "The value 'xml' is invalid for '--format <format>'. Please provide one of 'table', 'csv', "
        + "'json', 'ndjson' or 'markdown'; see 'gradlog sql --help'"),
    Mistake(
      64, "export", "--what",
      says: "Missing value for '--what <what>'; see 'gradlog export --help'"),
    Mistake(
      64, "export", "--whta", "values",
      says: "Unknown option '--whta'. Did you mean '--what'? See 'gradlog export --help'"),
    Mistake(
      64, "export", "--what", "weights", "--epoch", "1",
      says: "Weights have no epoch; leave out --epoch; see 'gradlog export --help'"),
    Mistake(64, "nonsense", says: "Unexpected argument 'nonsense'; see 'gradlog --help'"),
    Mistake(
      64, "sql", says: "Missing expected argument '<statement>'; see 'gradlog sql --help'"),
  ]

  private static let statements = [
    Mistake(
      1, "sql", "INSERT INTO runs (name, stage, started_at) VALUES ('x', 'raw', 0)", says: readOnly),
    Mistake(1, "sql", "DROP TABLE findings", says: readOnly),
    Mistake(
      1, "sql", "SELEC 1",
      says: "SQLite cannot run this SQL: near \"SELEC\": syntax error; \(mend)"),
    Mistake(
      1, "sql", "SELECT nom FROM gradients",
      says: "SQLite cannot run this SQL: no such column: nom; \(columns)"),
    Mistake(
      1, "sql", "SELECT 1; SELECT 2",
      says: "there is more than one SQL statement; run one at a time"),
    Mistake(
      1, "sql", "VACUUM INTO 'copy.db'",
      says: "SQLite cannot run this SQL: cannot VACUUM from within a transaction; \(mend)"),
    Mistake(
      1, "sql", "",
      says: "there is no SQL statement in what was given; "
        + "write one, such as: SELECT weight, norm FROM gradients LIMIT 10"),
  ]

  private static let outputs = [
    Mistake(
      1, "export", "--output", "nowhere/x.csv",
      says: "'nowhere/x.csv' cannot be written: its folder does not exist; create the folder first"),
    Mistake(
      64, "export", "--output", "folder", says: "'folder' is a folder; name a file inside it"),
    Mistake(
      1, "export", "--output", "/dev/full",
      says: "the disk is full: '/dev/full' cannot be written; free some space, or write elsewhere"),
    Mistake(
      1, "show", "--weight", "dense_0/bias", "--format", "npy", "--output", "/proc/x.npy",
      says:
        "'/proc/x.npy' cannot be written: its folder does not exist; create the folder first"),
  ]

  @Test(arguments: [files, names, arguments, settings, statements, outputs].joined())
  func isToldInOneSentence(_ mistake: Mistake) throws {
    let place = try Workplace()
    try place.write("notes.txt", "hello\n")
    try place.write("empty.db", "")
    try place.record("newer.db", "PRAGMA user_version = 5")
    try place.record("other.db", "PRAGMA application_id = 0")
    _ = try place.shell("mkdir folder")
    let before = try place.names
    var arguments = mistake.arguments
    // Every command but these is about the file runs.db.
    if !arguments.contains("--db"), arguments.first != "runs", arguments.first != "nonsense" {
      arguments += ["--db", "runs.db"]
    }
    if mistake.arguments.last == "--what" { arguments = mistake.arguments }
    let quoted = arguments.map { "'" + $0.replacing("'", with: "'\\''") + "'" }
    let outcome = try place.shell("\"$0\" " + quoted.joined(separator: " "))
    #expect(
      outcome
        == Outcome(code: mistake.code, output: "", talk: "gradlog: \(mistake.sentence)\n"))
    #expect(try place.names == before)
  }

  @Test func aMisspeltQuestionIsGuessed() throws {
    let outcome = try Workplace().gradlog("query", "largets", "--db", "runs.db")
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty)
    #expect(outcome.talk.contains("largest"))
    #expect(outcome.talk.split(separator: "\n").count == 1)
  }

  @Test(arguments: ["export --what values", "export --what statistics", "sql 'SELECT 1'", "runs"])
  func aFullDiskIsTold(command: String) throws {
    let outcome = try Workplace().shell("\"$0\" \(command) --db runs.db > /dev/full")
    #expect(outcome.code == 1)
    #expect(
      outcome.talk
        == "gradlog: the disk is full: stdout cannot be written; "
        + "free some space, or write elsewhere\n")
  }

  @Test func aFileSizeLimitLeavesNoFile() throws {
    let place = try Workplace()
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 500000) "
    let outcome = try place.shell(
      "trap '' XFSZ; ulimit -f 100; \"$0\" sql '\(many) SELECT x FROM c' --db runs.db -o x.csv"
        .replacing("-o ", with: "--output "))
    #expect(outcome.code == 1)
    #expect(
      outcome.talk
        == "gradlog: 'x.csv' cannot be written: File too large; check the disk, or write elsewhere\n"
    )
    #expect(try !place.names.contains { $0.hasPrefix("x.csv") })
  }

  @Test func aClosedPipeIsSilent() throws {
    let many = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 5000000) "
    let outcome = try Workplace().shell(
      "\"$0\" sql '\(many) SELECT x FROM c' --db runs.db | head -n 2; echo ${PIPESTATUS[0]}")
    #expect(outcome == Outcome(code: 0, output: "x\r\n1\r\n0\n", talk: ""))
  }

  @Test func anInterruptedExportLeavesNoFile() throws {
    let place = try Workplace()
    let endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c"
    let outcome = try place.shell(
      """
      ulimit -f 1000000
      "$0" sql '\(endless)' --db runs.db --output x.csv & pid=$!
      for attempt in $(seq 200); do ls x.csv.*.partial >.seen 2>/dev/null && break; sleep 0.05; done
      kill -TERM $pid; wait $pid; echo $?; wc -l <.seen; rm .seen
      """)
    #expect(outcome.output == "143\n1\n")
    #expect(try !place.names.contains { $0.hasPrefix("x.csv") })
  }
}
