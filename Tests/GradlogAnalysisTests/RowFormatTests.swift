import GradlogAnalysis
import Testing

/// Every value class in every form, as whole texts: people rely on these bytes.
@Suite struct RowFormatTests {
  /// One row for each class of value that SQLite can hold.
  private static let everyValue = """
    WITH samples (name, value) AS (VALUES
      ('null', NULL), ('zero', 0.0), ('minimum', -9223372036854775807 - 1),
      ('maximum', 9223372036854775807), ('tenth', 0.1), ('subnormal', 5e-324),
      ('largest', 1.7976931348623157e308), ('infinite', 9e999), ('negative', -9e999),
      ('million', 1e16), ('empty', ''), ('blob', x'00ff'), ('empty blob', x''),
      ('quotes', 'a "b", c'), ('lines', 'a' || char(10) || 'b' || char(13, 9)),
      ('unicode', 'größe 勾配 😀'), ('formula', '=1+1'), ('plus', '+1'), ('minus', '-1'),
      ('at', '@x'), ('tab', char(9) || 'x'), ('bar', 'a|b<c>\\d'), ('escape', char(27) || '[31m'))
    SELECT name, value FROM samples
    """

  @Test func csvOfEveryValue() throws {
    let recording = try ScratchRecording()
    let lines = [
      "name,value", "null,", "zero,0.0", "minimum,-9223372036854775808",
      "maximum,9223372036854775807", "tenth,0.1", "subnormal,5e-324",
      "largest,1.7976931348623157e+308", "infinite,1e999", "negative,-1e999", "million,1e+16",
      "empty,\"\"", "blob,x'00ff'", "empty blob,x''", "quotes,\"a \"\"b\"\", c\"",
      "lines,\"a\nb\r\t\"", "unicode,größe 勾配 😀", "formula,'=1+1", "plus,'+1", "minus,'-1",
      "at,'@x", "tab,'\tx", "bar,a|b<c>\\d", "escape,\u{1B}[31m", "",
    ]
    #expect(
      try text(recording.open(), Self.everyValue, as: .csv) == lines.joined(separator: "\r\n"))
  }

  @Test func jsonOfEveryValue() throws {
    let recording = try ScratchRecording()
    let values = [
      ("null", "null"), ("zero", "0.0"), ("minimum", "-9223372036854775808"),
      ("maximum", "9223372036854775807"), ("tenth", "0.1"), ("subnormal", "5e-324"),
      ("largest", "1.7976931348623157e+308"), ("infinite", "\"Infinity\""),
      ("negative", "\"-Infinity\""), ("million", "1e+16"), ("empty", "\"\""), ("blob", "\"AP8=\""),
      ("empty blob", "\"\""), ("quotes", #""a \"b\", c""#), ("lines", #""a\nb\r\t""#),
      ("unicode", "\"größe 勾配 😀\""), ("formula", "\"=1+1\""), ("plus", "\"+1\""),
      ("minus", "\"-1\""), ("at", "\"@x\""), ("tab", #""\tx""#), ("bar", #""a|b<c>\\d""#),
      ("escape", #""\u001b[31m""#),
    ]
    let objects = values.map { "{\"name\":\"\($0)\",\"value\":\($1)}" }
    let file = try recording.open()
    #expect(
      try text(file, Self.everyValue, as: .json)
        == "[\n" + objects.joined(separator: ",\n") + "\n]\n")
    #expect(
      try text(file, Self.everyValue, as: .ndjson) == objects.map { $0 + "\n" }.joined())
  }

  @Test func tableOfEveryValue() throws {
    let recording = try ScratchRecording()
    let expected = #"""
      name        value
      null        NULL
      zero        0
      minimum     -9223372036854775808
      maximum     9223372036854775807
      tenth       0.1
      subnormal   5e-324
      largest     1.79769e+308
      infinite    inf
      negative    -inf
      million     1e+16
      empty
      blob        <2 bytes>
      empty blob  <0 bytes>
      quotes      a "b", c
      lines       a\nb\r\t
      unicode     größe 勾配 😀
      formula     =1+1
      plus        +1
      minus       -1
      at          @x
      tab         \tx
      bar         a|b<c>\d
      escape      \u{1B}[31m

      """#
    #expect(try text(recording.open(), Self.everyValue, as: .table) == expected)
  }

  @Test func markdownEscapesWhatMarkdownReads() throws {
    let recording = try ScratchRecording()
    let sql = "SELECT 'a|b' AS \"x|y\", 1.25 AS n, 'c' || char(10) || '<d>&*`' AS text"
    let expected = #"""
      | x\|y | n | text |
      | --- | ---: | --- |
      | a\|b | 1.25 | c<br>&lt;d&gt;&amp;\*\` |

      """#
    #expect(try text(recording.open(), sql, as: .markdown) == expected)
  }

  @Test func tableSetsNumbersRightAndMeasuresWideLetters() throws {
    let recording = try ScratchRecording()
    let sql = """
      SELECT * FROM (VALUES ('勾配', 1, 0.000012345678, NULL), ('a', 1234, -1732345678.25, 7))
      """
    let expected = """
      column1  column2      column3  column4
      勾配           1  1.23457e-05     NULL
      a           1234  -1732345678        7

      """
    #expect(try text(recording.open(), sql, as: .table) == expected)
  }

  @Test func longTextIsShortenedInATableOnly() throws {
    let recording = try ScratchRecording().open()
    let sql = "SELECT printf('%.*c', 100000, 'x') AS long"
    #expect(
      try text(recording, sql, as: .table)
        == "long\n" + String(repeating: "x", count: 79) + "…\n")
    let csv = try text(recording, sql, as: .csv)
    #expect(csv == "long\r\n" + String(repeating: "x", count: 100_000) + "\r\n")
  }

  @Test func noRowsAreStillValid() throws {
    let recording = try ScratchRecording().open()
    let sql = "SELECT 1 AS a, 2 AS b WHERE 0"
    #expect(try text(recording, sql, as: .csv) == "a,b\r\n")
    #expect(try text(recording, sql, as: .json) == "[]\n")
    #expect(try text(recording, sql, as: .ndjson).isEmpty)
    #expect(try text(recording, sql, as: .table).isEmpty)
    #expect(try text(recording, sql, as: .markdown) == "| a | b |\n| --- | --- |\n")
  }

  @Test func aNullAloneInItsRecordIsNotAnEmptyLine() throws {
    let recording = try ScratchRecording().open()
    #expect(try text(recording, "SELECT NULL AS a", as: .csv) == "a\r\n\"\"\r\n")
  }

  @Test func columnsWithOneNameHaveDistinctKeys() throws {
    let recording = try ScratchRecording().open()
    #expect(
      try text(recording, "SELECT 1 AS a, 2 AS a, 3 AS a", as: .ndjson)
        == "{\"a\":1,\"a:1\":2,\"a:2\":3}\n")
  }

  @Test func headingsAreNoFormulasEither() throws {
    let recording = try ScratchRecording().open()
    #expect(try text(recording, "SELECT 1 AS \"=x\"", as: .csv) == "'=x\r\n1\r\n")
  }

  @Test func textThatIsNotUTF8IsRepaired() throws {
    let recording = try ScratchRecording().open()
    #expect(
      try text(recording, "SELECT CAST(x'61ff62' AS TEXT) AS a", as: .ndjson)
        == "{\"a\":\"a\u{FFFD}b\"}\n")
  }

  @Test func manyRowsKeepTheirOrderBeyondTheMeasuredOnes() throws {
    let recording = try ScratchRecording().open()
    let sql = """
      WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) SELECT x FROM c
      """
    let lines = try text(recording, sql, as: .table).split(separator: "\n")
    #expect(lines.count == 200_001)
    #expect(lines.dropFirst().enumerated().allSatisfy { Int($1.drop { $0 == " " }) == $0 + 1 })
  }
}
