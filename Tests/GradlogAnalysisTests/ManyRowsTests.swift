import Foundation
import GRDB
import Gradlog
import Testing

@testable import GradlogAnalysis

/// Results of many blocks of rows, which two threads turn into CSV: compared as a whole with what
/// GRDB reads, spelled out by the few lines of ``spelled(_:)``.
@Suite struct ManyRowsTests {
  /// Values of every class: doubles and integers of any bits, and texts that need care.
  private static func hostileValues(_ count: Int) -> [DatabaseValue] {
    let texts = [
      "", "plain", "größe 勾配 😀", "a \"b\", c", "=1+1", "-x", "line\nline", "\r", ",", "é,", "@\"",
      String(repeating: "long勾", count: 300),
    ]
    let numbers = [
      0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
      .greatestFiniteMagnitude, .infinity,
      -.infinity, 0.1, 1e15, 1e16, 1e-4, 1e-5, 123_456_789_012_345_680, 2.5e-7, -1,
    ]
    let integers = [Int64.min, .max, -1, 0, 9, 10, -10, 99]
    var state: UInt64 = 7
    func random() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
    return (0..<count).map { index in
      switch random() >> 32 % 8 {
      case 0: .null
      case 1: texts[index % texts.count].databaseValue
      case 2: numbers[index % numbers.count].databaseValue
      case 3: integers[index % integers.count].databaseValue
      case 4: Int64(bitPattern: random()).databaseValue
      case 5: Data([0, 0xFF, UInt8(index & 255)].prefix(index % 4)).databaseValue
      // Not a number becomes NULL on its way in.
      default: Double(bitPattern: random()).databaseValue
      }
    }
  }

  /// A recording with a table of six columns, and what its CSV must be.
  private func hostileTable(rows: Int) throws -> (scratch: ScratchRecording, csv: String) {
    let scratch = try ScratchRecording()
    let values = Self.hostileValues(rows * 6)
    let queue = try DatabaseQueue(path: scratch.path)
    defer { try? queue.close() }
    let csv = try queue.write { db in
      try db.execute(sql: "CREATE TABLE hostile (id INTEGER PRIMARY KEY, a, b, c, d, e, f)")
      let insert = try db.makeStatement(sql: "INSERT INTO hostile VALUES (?, ?, ?, ?, ?, ?, ?)")
      for row in 0..<rows {
        try insert.execute(
          arguments: StatementArguments([row.databaseValue] + values[(row * 6)..<(row * 6 + 6)]))
      }
      return try Self.csv("SELECT * FROM hostile ORDER BY id", in: db)
    }
    return (scratch, csv)
  }

  /// CSV of a statement by the plain rules.
  private static func csv(_ sql: String, in db: Database) throws -> String {
    let statement = try db.makeStatement(sql: sql)
    let rows = try Row.fetchAll(statement).map { row in
      row.databaseValues.map(spelled).joined(separator: ",")
    }
    let header = statement.columnNames.joined(separator: ",")
    return ([header] + rows).map { $0 + "\r\n" }.joined()
  }

  private static func spelled(_ value: DatabaseValue) -> String {
    switch value.storage {
    case .null: return ""
    case .int64(let integer): return String(integer)
    case .double(let number):
      return number.isInfinite ? (number < 0 ? "-1e999" : "1e999") : "\(number)"
    case .blob(let data): return "x'" + data.map { String(format: "%02x", $0) }.joined() + "'"
    case .string(let text):
      let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) }
      let safe = (isFormula == true ? "'" : "") + text
      let isQuoted =
        safe.isEmpty || safe.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) }
      return isQuoted
        ? "\"" + safe.replacing("\"", with: "\"\"") + "\"" : safe
    }
  }

  /// Where two texts part, so that a failure can be read.
  private func expectSame(_ actual: String, _ expected: String) {
    guard actual != expected else { return }
    let pairs = zip(actual.split(separator: "\r\n"), expected.split(separator: "\r\n"))
    let differing = pairs.enumerated().first { $0.element.0 != $0.element.1 }
    Issue.record(
      "\(actual.utf8.count) bytes for \(expected.utf8.count), first at \(String(describing: differing))"
    )
  }

  @Test func csvOfManyHostileRows() throws {
    let (scratch, csv) = try hostileTable(rows: 20_000)
    // Several times as much as all blocks that are under way at once.
    #expect(csv.utf8.count > 4_000_000)
    expectSame(try text(scratch.open(), "SELECT * FROM hostile ORDER BY id", as: .csv), csv)
  }

  @Test func rowsReachAnyWriterAsTheyAre() throws {
    let (scratch, _) = try hostileTable(rows: 5_000)
    var found = Collector()
    try scratch.open().rows(of: "SELECT * FROM hostile ORDER BY id", to: &found)
    let expected = Self.hostileValues(30_000).enumerated().map { CellValue($1) }
    #expect(found.rows.map { Array($0.dropFirst()) }.flatMap { $0 } == expected)
    #expect(found.rows.map { $0[0] } == (0..<5_000).map { .integer($0) })
  }

  /// Many batches, whose gradients come out of one statement each.
  private func manyBatches() throws -> ScratchRecording {
    let hostile = Self.hostileValues(40)
    let scratch = try ScratchRecording(
      """
      DELETE FROM batches;
      INSERT INTO weights (weight_id, run_id, position, name, dtype, shape, element_count)
        SELECT value + 1, 1, value, CASE value WHEN 0 THEN '=größe, "x"' ELSE 'w' || value END,
          'float32', '[2,2]', 4 FROM generated;
      INSERT INTO batches (run_id, epoch, batch, step, loss, recorded_at, first_gradient_id,
        gradient_count) SELECT 1, value / 50, value % 50, value, value / 7.0, 1e9 + value / 3.0,
          value * 40 + 1, 40 FROM generated_batches;
      """.replacing("generated_batches", with: Self.generated(300))
        .replacing("generated", with: Self.generated(40)))
    let queue = try DatabaseQueue(path: scratch.path)
    defer { try? queue.close() }
    try queue.write { db in
      let insert = try db.makeStatement(
        sql: """
          INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, zero_count, nan_count,
            posinf_count, neginf_count, norm, sum, std, min, max, abs_p1)
          VALUES (?, ?, ?, 1, 1, 0, 0, ?, ?, ?, ?, ?, ?)
          """)
      for key in 0..<12_000 {
        let values = (0..<6).map { hostile[(key + $0 * 7) % hostile.count] }
        try insert.execute(
          arguments: StatementArguments(
            [(key + 1).databaseValue, (key / 40 + 1).databaseValue, (key % 40 + 1).databaseValue]
              + values))
      }
    }
    return scratch
  }

  private static func generated(_ count: Int) -> String {
    """
    (WITH RECURSIVE c (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM c WHERE value < \(count - 1))
      SELECT value FROM c)
    """
  }

  @Test func statisticsOfManyBatches() throws {
    let scratch = try manyBatches()
    let actual = try exported(scratch.open(), .statistics)
    let header = try #require(actual.split(separator: "\r\n").first)
    let expected = try DatabaseQueue(path: scratch.path).read {
      try Self.csv("SELECT \(header) FROM gradients ORDER BY gradient_id", in: $0)
    }
    expectSame(actual, expected)
  }

  @Test func aLimitEndsAnywhere() throws {
    let recording = try manyBatches().open()
    let all = try exported(recording, .statistics).split(separator: "\r\n")
    #expect(all.count == 12_001)
    for limit in [0, 1, 39, 40, 41, 4_000, 11_999, 12_000, 12_001] {
      var filter = RowFilter()
      filter.limit = limit
      let some = try exported(recording, .statistics, filter: filter).split(separator: "\r\n")
      #expect(some.elementsEqual(all.prefix(limit + 1)), "limit \(limit)")
    }
  }

  @Test func aTextLargerThanABlockKeepsItsPlace() throws {
    let sql = """
      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 20)
      SELECT x, printf('%.*c', 100000 * x, 'y') AS text, -x AS z FROM c
      """
    let lines = (1...20).map { "\($0),\(String(repeating: "y", count: 100_000 * $0)),-\($0)\r\n" }
    expectSame(
      try text(ScratchRecording().open(), sql, as: .csv), "x,text,z\r\n" + lines.joined())
  }

  @Test func bytesThatAreNotTextAreRepairedAndNULKept() throws {
    let sql = "SELECT CAST(x'61ff2c' AS TEXT) AS a, 'b' || char(0) || 'c' AS b"
    #expect(
      try text(ScratchRecording().open(), sql, as: .csv) == "a,b\r\n\"a\u{FFFD},\",b\0c\r\n")
  }

  @Test func aFailureOfTheOutputEndsTheWork() throws {
    struct DiskIsFull: Error {}
    let recording = try manyBatches().open()
    for allowed in 0..<4 {
      var pieces = 0
      let output = ByteOutput { _ in
        pieces += 1
        if pieces > allowed { throw DiskIsFull() }
      }
      var writer = RowFormat.csv.writer(to: output)
      #expect(throws: DiskIsFull.self) { try recording.export(.statistics, to: &writer) }
      #expect(pieces == allowed + 1)
    }
  }

  @Test func aFailureOfTheStatementIsThatOfTheWork() throws {
    // More than a few blocks, then a number too large.
    let sql = """
      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000)
      SELECT x, printf('%050d', x), abs(CASE x WHEN 100000 THEN -9223372036854775807 - 1 END) FROM c
      """
    let error = try #require(throws: GradlogError.self) {
      try text(ScratchRecording().open(), sql, as: .csv)
    }
    #expect(error.description.contains("integer overflow"))
  }

  @Test func rowsAndBlocksOfRowsKeepTheirOrder() throws {
    var bytes: [UInt8] = []
    var writer = RowFormat.csv.writer(to: ByteOutput { bytes += Array($0) })
    try writer.begin(columns: ["x"])
    var expected = "x\r\n"
    for turn in 0..<8 {
      var rows = RowBlock(columnCount: 1)
      while !rows.isFull {
        expected += "\(rows.rowCount)\r\n"
        rows.beginRow()
        rows.append(Int64(rows.rowCount - 1))
      }
      try writer.write(&rows)
      #expect(rows.rowCount == 0)
      if turn.isMultiple(of: 3) {
        try writer.write([.text("turn \(turn)")])
        expected += "turn \(turn)\r\n"
      }
    }
    try writer.end()
    expectSame(String(decoding: bytes, as: UTF8.self), expected)
  }

  @Test(.enabled(if: python(with: "pandas") != nil, "pandas is not installed"))
  func pandasReadsManyRows() throws {
    let scratch = try manyBatches()
    let path = scratch.folder + "/statistics.csv"
    try Data(exported(scratch.open(), .statistics).utf8).write(to: URL(fileURLWithPath: path))
    let program = """
      import pandas, sqlite3, sys
      frame = pandas.read_csv(sys.argv[1], float_precision='round_trip')
      assert len(frame) == 12000, len(frame)
      assert list(frame['step']) == [key // 40 for key in range(12000)]
      assert list(frame['loss']) == [key // 40 / 7 for key in range(12000)]
      assert list(frame['recorded_at']) == [1e9 + key // 40 / 3 for key in range(12000)]
      assert list(frame['position']) == [key % 40 for key in range(12000)]
      names = ["'=größe, \\"x\\""] + [f'w{key}' for key in range(1, 40)]
      assert list(frame['weight']) == names * 300
      """
    let result = try run(try #require(python(with: "pandas")), "-c", program, path)
    #expect(result.code == 0, "\(result.output)")
  }
}

/// Keeps every row.
private struct Collector: RowWriter {
  var rows: [[CellValue]] = []
  mutating func begin(columns: [String]) {}
  mutating func write(_ row: [CellValue]) { rows.append(row) }
  mutating func end() {}
}

extension CellValue {
  fileprivate init(_ value: DatabaseValue) {
    self =
      switch value.storage {
      case .null: .null
      case .int64(let integer): .integer(integer)
      case .double(let number): number.isNaN ? .null : .real(number)
      case .string(let text): .text(text)
      case .blob(let data): .blob(Array(data))
      }
  }
}
