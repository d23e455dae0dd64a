import Gradlog
import Testing

@testable import GradlogAnalysis

struct CannedQueryTests {
  @Test func readsAHeader() throws {
    let query = try CannedQuery(
      name: "mine",
      sql: """
        -- title: How many?
        -- explanation: Counts gradients,
        --   all of them.
        -- A comment of its own: column or parameter are words here.
        -- parameter :least REAL = 1e-3: norm from which
        --   to count (calibrated)
        -- column n INTEGER (gradients): how many; never NULL
        -- column share REAL: of all
        SELECT 1 AS n, 1.0 AS share WHERE 1 > coalesce(:least, 1e-3) -- title: not this
        """)
    #expect(query.title == "How many?")
    #expect(query.explanation == "Counts gradients, all of them.")
    #expect(
      query.parameters == [
        .init(
          name: "least", type: "REAL", default: "1e-3",
          meaning: "norm from which to count (calibrated)")
      ])
    #expect(
      query.columns == [
        .init(name: "n", type: "INTEGER", unit: "gradients", meaning: "how many; never NULL"),
        .init(name: "share", type: "REAL", unit: "", meaning: "of all"),
      ])
  }

  @Test(arguments: ["SELECT 1", "", "-- just a note\nSELECT 1", "-- column\nSELECT 1", "\n\n"])
  func headerMayBeMissing(sql: String) throws {
    let query = try CannedQuery(name: "mine", sql: sql)
    #expect(query.title.isEmpty && query.parameters.isEmpty && query.columns.isEmpty)
    #expect(query.sql == sql)
  }

  @Test(arguments: ["-- parameter :least REAL: no default", "-- column n: no type"])
  func brokenHeaderLineIsQuoted(line: String) throws {
    let error = try #require(throws: GradlogError.self) {
      try CannedQuery(name: "mine", sql: line + "\nSELECT 1")
    }
    #expect(error.code == .invalidData)
    #expect(error.problem.contains(line))
  }

  @Test func misspeltNameSuggestsTheNearest() throws {
    let error = try #require(throws: GradlogError.self) { try CannedQuery.named("vanishng") }
    #expect(error.code == .notFound)
    #expect(error.remedy.hasPrefix("did you mean \"vanishing\"? (the questions are absent, "))
    let other = try #require(throws: GradlogError.self) { try CannedQuery.named("xyzzy-plugh") }
    #expect(other.remedy.hasPrefix("the questions are absent, "))
  }
}
