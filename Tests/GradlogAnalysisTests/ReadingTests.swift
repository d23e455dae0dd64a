import Foundation
import Gradlog
import Testing

@testable import GradlogAnalysis

/// What reading refuses, and what it makes of a hostile file.
@Suite struct ReadingTests {
  @Test(
    arguments: [
      "INSERT INTO runs (name, stage, started_at) VALUES ('x', 'raw', 0)", "DELETE FROM runs",
      "UPDATE runs SET name = 'x'", "DROP TABLE findings", "CREATE TEMP TABLE t (a)",
      "PRAGMA user_version = 9",
    ])
  func writingIsRefusedBySQLite(sql: String) throws {
    let recording = try ScratchRecording().open()
    let error = try #require(throws: GradlogError.self) { try text(recording, sql, as: .csv) }
    #expect(
      error.description
        == "SQLite refused to change the file (attempt to write a readonly database); "
        + "gradlog only reads: write a SELECT")
  }

  @Test func attachingAnotherFileDoesNotAllowToWriteIt() throws {
    let scratch = try ScratchRecording()
    let other = try ScratchRecording()
    let recording = try scratch.open()
    let attach = "ATTACH '\(other.path)' AS other"
    #expect(throws: GradlogError.self) {
      _ = try text(recording, attach, as: .csv)
      _ = try text(recording, "DELETE FROM other.runs", as: .csv)
    }
    #expect(throws: GradlogError.self) {
      try text(recording, "ATTACH '\(scratch.folder)/new.db' AS new", as: .csv)
    }
    #expect(try other.open().runNames() == ["digits"])
  }

  @Test(arguments: ["SELECT 1; SELECT 2", "SELECT 1; DELETE FROM runs", "SELECT 1; x"])
  func onlyOneStatementIsRun(sql: String) throws {
    let recording = try ScratchRecording().open()
    #expect(throws: GradlogError.self) { try text(recording, sql, as: .csv) }
  }

  @Test(arguments: ["SELECT 1 AS a;", "-- why\nSELECT 1 AS a; -- done\n", ";; SELECT 1 AS a ; ;"])
  func commentsAndSemicolonsAreNoStatements(sql: String) throws {
    let recording = try ScratchRecording().open()
    #expect(try text(recording, sql, as: .csv) == "a\r\n1\r\n")
  }

  @Test(arguments: ["", " ", "-- nothing", ";"])
  func noStatementIsToldSo(sql: String) throws {
    let recording = try ScratchRecording().open()
    let error = try #require(throws: GradlogError.self) { try text(recording, sql, as: .csv) }
    #expect(error.problem == "there is no SQL statement in what was given")
  }

  @Test func parametersThatAreNotGivenAreNull() throws {
    let recording = try ScratchRecording().open()
    #expect(
      try text(
        recording, "SELECT :a AS a, :b AS b, :a AS c", as: .ndjson, with: ["a": .real(0.5)])
        == "{\"a\":0.5,\"b\":null,\"c\":0.5}\n")
  }

  @Test func aFilterThatTheQuestionLacksIsRefused() throws {
    let recording = try ScratchRecording().open()
    var filter = RowFilter()
    filter.firstEpoch = 1
    var writer = RowFormat.csv.writer(to: ByteOutput { _ in })
    #expect(
      throws: GradlogError(
        .invalidArgument, "the question 'q' cannot be limited by epoch",
        remedy: "leave that out, or write SQL of your own over the view gradients")
    ) { try recording.ask("SELECT :run", name: "q", filter: filter, to: &writer) }
    #expect(
      throws: GradlogError(
        .invalidArgument, "the question 'q' has no parameter 'treshold'",
        remedy: "did you mean 'threshold'?")
    ) {
      try recording.ask(
        "SELECT :threshold, :limit", name: "q", settings: ["treshold": .integer(1)], to: &writer)
    }
  }

  /// SQLite stores any type in any column; nothing of that may stop the process.
  @Test func columnsOfTheWrongTypeDoNotTrap() throws {
    let scratch = try ScratchRecording(
      """
      UPDATE runs SET finished_at = 'yesterday', recorder_process = x'00', dropped_values = 'many';
      INSERT INTO weights (weight_id, run_id, position, name, dtype, shape, element_count)
        VALUES (1, 1, 'first', x'ff', 7, '[9223372036854775807,9223372036854775807]', -1);
      INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, absent, norm, exponents_blob)
        VALUES (1, 1, 1, 'no', 'large', x'ffffffffffffffffffffffffffffff');
      INSERT INTO gradient_values VALUES (1, 'dense', 'text');
      """)
    let recording = try scratch.open()
    #expect(try recording.runs().map(\.droppedValues) == [0])
    for kind in [ExportKind.statistics, .batches, .weights] {
      #expect(try exported(recording, kind).split(separator: "\r\n").count == 2)
    }
    #expect(throws: GradlogError.self) { try exported(recording, .values) }
    #expect(throws: GradlogError.self) { try recording.gradient(at: GradientAddress()) }
  }

  @Test(
    arguments: [
      ("dense_0/kernle", "dense_0/kernel"), ("Dense_0/Kernel", "dense_0/kernel"), ("a", nil),
      ("vanishign", "vanishing"), ("xyz", nil),
    ] as [(String, String?)])
  func theNearestNameIsASlipAway(name: String, expected: String?) {
    let names = ["dense_0/kernel", "dense_1/kernel", "vanishing", "b"]
    #expect(NearestName.nearest(to: name, among: names) == expected)
  }

  @Test(
    arguments: [
      (nil, "here", 7, 42, 0, .recording), (nil, "here", 7, 43, 0, .interrupted),
      (nil, "here", 8, 42, 0, .interrupted), (nil, "there", 7, 42, 901, .recording),
      (nil, "there", 7, 42, 100, .interrupted), (5, "here", 7, 42, 0, .finished),
    ] as [(Double?, String, Int, Int, Double, RunState)])
  func theStateOfARun(
    finished: Double?, host: String, process: Int, started: Int, sign: Double, state: RunState
  ) {
    let trace = RecorderTrace(
      finishedAt: finished, host: host, process: process, processStarted: started, lastSign: sign)
    let actual = trace.state(now: 1000, thisHost: "here") { $0 == 7 ? 42 : nil }
    #expect(actual == state)
  }

  @Test func thisProcessIsFoundAmongTheLiving() throws {
    let own = try #require(
      RecorderProcess.startTime(of: Int(ProcessInfo.processInfo.processIdentifier)))
    #expect(own > 0)
    #expect(RecorderProcess.startTime(of: 999_999_999) == nil)
  }
}
