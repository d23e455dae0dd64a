import GRDB
import Testing

@testable import Gradlog

/// The cosine between a gradient and the one before it.
@Suite struct GradientDirectionTests {
  private let directions = GradientDirections()

  init() {
    directions.begin(optimizer: "")
  }

  private func cosine<Element: TensorElement>(_ values: [Element], weight: Int = 0) throws
    -> Double?
  {
    try values.withUnsafeBytes {
      directions.cosine(
        of: try TensorView(dtype: Element.dtype, shape: [values.count], bytes: $0), weight: weight)
    }
  }

  @Test func isThatOfTheTwoGradients() throws {
    #expect(try cosine([3, 4] as [Float]) == nil)
    #expect(try cosine([3, 4] as [Float]) == 1)
    #expect(try cosine([-6, -8] as [Float]) == -1)
    #expect(try cosine([8, -6] as [Float]) == 0)
    #expect(try cosine([8, 0] as [Float]) == Double(Float(0.8)))
    #expect(try cosine([5] as [Float], weight: 9) == nil)
    #expect(try cosine([-5] as [Float], weight: 9) == -1)
  }

  @Test(arguments: [[0, -0.0], [.nan, 1], [1, -.infinity], []] as [[Float]])
  func whatHasNoDirectionHasNone(values: [Float]) throws {
    #expect(try cosine([1, 2] as [Float]) == nil)
    // A weight has one shape, so the empty one is alone.
    if !values.isEmpty { #expect(try cosine(values) == nil) }
    #expect(try cosine(values, weight: 1) == nil)
    #expect(try cosine(values, weight: 1) == nil)
    if !values.isEmpty { #expect(try cosine([1, 2] as [Float]) == nil) }
    #expect(try cosine([1, 2] as [Float]) == 1)
  }

  @Test(arguments: [1, 3, 4, 15, 1023, 1024, 1025, 1040, 2000, 4096, 50_001])
  func agreesWithTheFormulaInEveryType(count: Int) throws {
    var random = SplitMix64(seed: UInt64(count))
    let one = (0..<count).map { _ in random.normal() }
    let other = (0..<count).map { one[$0] + 2 * random.normal() }
    try check(one, other) { $0 }
    try check(one.map { Float($0) }, other.map { Float($0) }) { Double($0) }
    try check(one.map { Float16($0) }, other.map { Float16($0) }) { Double($0) }
    try check(one.map { BFloat16(Float($0)) }, other.map { BFloat16(Float($0)) }) {
      Double(Float($0))
    }
  }

  private func check<Element: TensorElement>(
    _ one: [Element], _ other: [Element], _ double: (Element) -> Double
  ) throws {
    directions.forgetAll()
    #expect(try cosine(one) == nil)
    let found = try #require(try cosine(other))
    let expected = Self.cosine(one.map(double), other.map(double))
    #expect(abs(found - expected) < 1e-6, "\(found) is not \(expected)")
  }

  @Test func aFloat64OfAnySizeHasADirection() throws {
    let pairs: [(Double, Double)] = [
      (1e300, 1e308), (1e-300, 1),
      (.leastNonzeroMagnitude, .leastNonzeroMagnitude), (0x1p-1022, 0x1p1023), (0x1p-1070, -1e300),
    ]
    for (weight, (one, other)) in pairs.enumerated() {
      #expect(try cosine([one, one, 0], weight: weight) == nil)
      let sign: Double = one * other < 0 || other < 0 ? -1 : 1
      #expect(try cosine([other, other, 0], weight: weight) == sign, "\(one), \(other)")
    }
  }

  @Test func eachOptimizerHasAGradientBefore() throws {
    #expect(try cosine([1, 0] as [Float]) == nil)
    directions.begin(optimizer: "other")
    #expect(try cosine([0, 1] as [Float]) == nil)
    directions.begin(optimizer: "")
    #expect(try cosine([1, 0] as [Float]) == 1)
    for number in 0..<8 { directions.begin(optimizer: "\(number)") }
    directions.begin(optimizer: "")
    // Of nine, the first was forgotten.
    #expect(try cosine([1, 0] as [Float]) == nil)
  }

  @Test func theFileHasThoseOfConsecutiveGradients() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/runs.db"
    for session in 0..<2 {
      try GradientRecorder.record(to: path, run: "r") { recorder in
        for batch in 0..<4 {
          recorder.record(epoch: session, batch: batch) { gradients in
            let sign: Float = batch % 2 == 0 ? 1 : -1
            gradients.add("turning", [sign, 0.5 * sign], shape: [2, 1])
            gradients.add("scalar", [sign], shape: [])
            if batch == 1 {
              gradients.addAbsent("sometimes")
            } else {
              gradients.add("sometimes", [1, 0] as [Float], shape: [1, 2])
            }
            if batch == 1 {
              gradients.add("rows", rows: [1] as [Float], at: [0], shape: [2])
            } else {
              gradients.add("rows", [1, 0] as [Float], shape: [2])
            }
          }
        }
      }
    }
    func column(_ name: String, _ weight: String) throws -> [String] {
      try rows(path, "SELECT \(name) FROM gradients WHERE weight = '\(weight)'").map { $0[0] }
    }
    func twice(_ cells: [String]) -> [String] { cells + cells }
    #expect(try column("cosine", "turning") == twice(["NULL", "-1.0", "-1.0", "-1.0"]))
    #expect(try column("cosine", "scalar") == twice(["NULL", "-1.0", "-1.0", "-1.0"]))
    #expect(try column("cosine", "sometimes") == twice(["NULL", "NULL", "1.0", "1.0"]))
    #expect(try column("cosine", "rows") == twice(["NULL", "NULL", "NULL", "1.0"]))
    #expect(try column("zero_rows", "scalar") == twice(["NULL", "NULL", "NULL", "NULL"]))
    #expect(try column("zero_columns", "sometimes") == twice(["1", "NULL", "1", "1"]))
    #expect(try column("zero_rows", "sometimes") == twice(["0", "NULL", "0", "0"]))
  }

  @Test func whatWasRolledBackIsNotComparedWith() throws {
    let folder = try ScratchFolder()
    let queue = try DatabaseFile.openForRecording(folder.path + "/runs.db")
    let slab = Slab()
    for batch in 0..<3 {
      var gradients = GradientBatch(in: slab, .copy)
      gradients.add("w", [1] as [Float], shape: [1])
      _ = slab.finishBatch(
        BatchContext(epoch: 0, batch: batch), recordedAt: 0, lostBefore: 0)
    }
    try queue.writeWithoutTransaction { db in
      let run = try RunTable.open(RunIdentity("r", GradientRecorder.Options()), in: db)
      Judge(run).judge(slab) {}
      var inserter = try BatchInserter(run: run, capture: .everything, in: db)
      try db.beginTransaction()
      try inserter.beginTransaction()
      _ = try inserter.insertBatch(0, of: slab)
      try db.rollback()
      inserter.forgetTransaction()
      try db.inTransaction {
        try inserter.beginTransaction()
        _ = try inserter.insertBatch(1, of: slab)
        _ = try inserter.insertBatch(2, of: slab)
        try inserter.endTransaction()
        return .commit
      }
    }
    try DatabaseFile.finish(queue)
    let cosines = try rows(folder.path + "/runs.db", "SELECT batch, cosine FROM gradients")
    #expect(cosines == [["1", "NULL"], ["2", "1.0"]])
  }

  /// By docs/FileFormat.md, in Double.
  private static func cosine(_ one: [Double], _ other: [Double]) -> Double {
    let first = sample(one)
    let second = sample(other)
    func dot(_ one: [Double], _ other: [Double]) -> Double {
      zip(one, other).reduce(0.0) { sum, pair in sum + pair.0 * pair.1 }
    }
    return dot(first, second) / (dot(first, first) * dot(second, second)).squareRoot()
  }

  private static func sample(_ values: [Double]) -> [Double] {
    guard values.count > 1024 else { return values }
    return (0..<64).flatMap { run in
      let start = run * (values.count - 16) / 63
      return values[start..<start + 16]
    }
  }
}
