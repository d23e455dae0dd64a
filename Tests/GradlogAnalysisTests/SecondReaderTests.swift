import Foundation
import Gradlog
import GradlogAnalysis
import Testing

/// pandas and DuckDB read every CSV with the types that were meant.
@Suite struct SecondReaderTests {
  private static let values =
    // inf, −inf, NaN, 1, 0.1 and −0.0: readers guess a type from what comes first.
    "0000807f000080ff0000c07f0000803fcdcccc3d00000080"

  private func file(_ kind: ExportKind) throws -> (ScratchRecording, String) {
    let scratch = try ScratchRecording(
      ScratchRecording.gradient(1, "=cmd", "float32", "[6]", count: 6, hex: Self.values)
        + "UPDATE gradient_statistics SET norm = 9e999, std = NULL;")
    let path = scratch.folder + "/\(kind.rawValue).csv"
    try Data(exported(scratch.open(), kind).utf8).write(to: URL(fileURLWithPath: path))
    return (scratch, path)
  }

  private func check(_ program: String, _ modules: String, _ kind: ExportKind) throws {
    let (scratch, path) = try file(kind)
    let result = try withExtendedLifetime(scratch) {
      try run(try #require(python(with: modules)), "-c", program, path)
    }
    #expect(result.code == 0, "\(result.output)")
  }

  @Test(.enabled(if: python(with: "pandas") != nil, "pandas is not installed"))
  func pandasReadsValues() throws {
    try check(
      """
      import pandas, sys, math
      frame = pandas.read_csv(sys.argv[1])
      kinds = {name: dtype.kind for name, dtype in frame.dtypes.items()}
      assert all(kinds[name] == 'i' for name in ['rank', 'epoch', 'batch', 'step', 'index']), kinds
      assert kinds['value'] == 'f', kinds
      values = list(frame['value'])
      assert values[0] == math.inf and values[1] == -math.inf and math.isnan(values[2]), values
      assert values[3] == 1 and values[4] == 0.1, values
      assert math.copysign(1, values[5]) == -1, values
      assert list(frame['weight']) == ["'=cmd"] * 6, frame
      """, "pandas", .values)
  }

  @Test(.enabled(if: python(with: "pandas") != nil, "pandas is not installed"))
  func pandasReadsStatistics() throws {
    try check(
      """
      import pandas, sys, math
      frame = pandas.read_csv(sys.argv[1])
      assert len(frame) == 1 and frame['norm'].dtype.kind == 'f', frame.dtypes
      assert frame['norm'][0] == math.inf and math.isnan(frame['std'][0]), frame
      assert frame['loss'][0] == 0.5 and frame['nan_count'].dtype.kind == 'i', frame
      assert frame['shape'][0] == '[6]', frame
      """, "pandas", .statistics)
  }

  @Test(.enabled(if: python(with: "duckdb") != nil, "duckdb is not installed"))
  func duckDBReadsValues() throws {
    try check(
      """
      import duckdb, sys, math
      table = duckdb.sql(f"SELECT * FROM '{sys.argv[1]}'")
      types = dict(zip(table.columns, map(str, table.types)))
      assert types == {'run': 'VARCHAR', 'rank': 'BIGINT', 'epoch': 'BIGINT', 'batch': 'BIGINT',
        'step': 'BIGINT', 'weight': 'VARCHAR', 'index': 'BIGINT', 'value': 'DOUBLE'}, types
      values = [row[7] for row in table.fetchall()]
      assert values[0] == math.inf and values[1] == -math.inf and math.isnan(values[2]), values
      assert values[3] == 1 and values[4] == 0.1, values
      """, "duckdb", .values)
  }

  @Test(.enabled(if: python(with: "duckdb") != nil, "duckdb is not installed"))
  func duckDBReadsStatistics() throws {
    try check(
      """
      import duckdb, sys, math
      table = duckdb.sql(f"SELECT * FROM '{sys.argv[1]}'")
      types = dict(zip(table.columns, map(str, table.types)))
      assert types['norm'] == 'DOUBLE' and types['nan_count'] == 'BIGINT', types
      row = dict(zip(table.columns, table.fetchall()[0]))
      assert row['norm'] == math.inf and row['std'] is None and row['weight'] == "'=cmd", row
      """, "duckdb", .statistics)
  }
}
