import Foundation
import Testing

@testable import Gradlog

/// Gradients of which only some rows are there.
@Suite struct RowSparseTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  @Test func rowsAreSortedAndSummedInTheirOrder() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      recorder.record(epoch: 0, batch: 0) {
        // 2048 + 1 is 2048 in float16: (2048 + 1) + 1 differs from 2048 + (1 + 1).
        $0.add("half", rows: [2048, 7, 1, 1] as [Float16], at: [3, 0, 3, 3], shape: [4, 1])
        $0.add(
          "brain", rows: [256, 1, 1].map { BFloat16(Float($0)) }, at: [0, 0, 0], shape: [2])
        $0.add("single", rows: [1, 2, 3, -0.0] as [Float], at: [1, 4], shape: [5, 2])
        $0.add("double", rows: [Double.nan, -.infinity], at: [0, 1], shape: [2, 1])
        $0.add("none", rows: [Float](), at: [], shape: [3, 2])
        $0.add("narrow", rows: [Float](), at: [2, 1, 2], shape: [3, 0])
      }
    }
    #expect(
      try rows(path, "SELECT weight, shape, encoding, hex(values_blob) FROM gradients") == [
        ["half", "[4,1]", "rows", "0000000000000000" + "0300000000000000" + "0047" + "0068"],
        ["brain", "[2]", "rows", "0000000000000000" + "8043"],
        [
          "single", "[5,2]", "rows",
          "0100000000000000" + "0400000000000000" + "0000803F00000040" + "0000404000000080",
        ],
        [
          "double", "[2,1]", "rows",
          "0000000000000000" + "0100000000000000" + "000000000000F87F" + "000000000000F0FF",
        ],
        ["none", "[3,2]", "rows", ""],
        ["narrow", "[3,0]", "rows", "0100000000000000" + "0200000000000000"],
      ])
    #expect(
      try rows(path, "SELECT zero_count, finite_count, nan_count, norm, min, mean FROM gradients")
        == [
          ["2", "4", "0", "\((2048.0 * 2048 + 49).squareRoot())", "0.0", "513.75"],
          ["1", "2", "0", "256.0", "0.0", "128.0"],
          ["7", "10", "0", "\(14.0.squareRoot())", "0.0", "0.6"],
          ["0", "0", "1", "NULL", "NULL", "NULL"], ["6", "6", "0", "0.0", "0.0", "0.0"],
          ["0", "0", "0", "NULL", "NULL", "NULL"],
        ])
  }

  @Test(arguments: HostileTensors.lists)
  func statisticsAreThoseOfTheWholeGradient(_ name: String, _ values: [Double]) {
    check(values) { $0 }
    check(values.map { Float($0) }) { Double($0) }
  }

  private func check<Element: TensorElement>(
    _ values: [Element], _ double: (Element) -> Double
  ) {
    let indices = values.indices.map { Int64($0 * 3 + 1) }
    let height = values.count * 3 + 2
    var whole = [Double](repeating: 0, count: height)
    for (index, value) in zip(indices, values) { whole[Int(index)] = double(value) }
    let bytes = indices.withUnsafeBytes { Array($0) } + values.withUnsafeBytes { Array($0) }
    bytes.withUnsafeBytes { bytes in
      var pass = StatisticsPass()
      let rows = StoredRows(
        checked: (Element.dtype, [height, 1], height), count: indices.count, at: bytes.baseAddress)
      let found = pass.run(over: .rows(rows))
      let expected = StatisticsOracle(whole)
      #expect(found.elementCount == height)
      #expect(found.zeroCount == expected.zeroCount)
      #expect(found.nanCount == expected.nanCount)
      #expect(found.posinfCount == expected.posinfCount)
      #expect(found.neginfCount == expected.neginfCount)
      #expect(close(found.norm, expected.norm))
      #expect(close(found.rms, expected.rms))
      #expect(close(found.std, expected.std, of: expected.rms ?? 0))
      #expect(found.min == expected.finite.min())
      #expect(found.max == expected.finite.max())
      let exact = expected.quantile(99)
      let quantile = found.quantiles?.p99 ?? .nan
      #expect(quantile == exact || (quantile > exact / 2 && quantile < exact * 2))
    }
  }

  private func close(_ found: Double?, _ expected: Double?, of scale: Double = 0) -> Bool {
    guard let found, let expected else { return found == expected }
    return found == expected
      || abs(found - expected) <= 1e-9 * max(expected.magnitude, scale) + 4 * .leastNonzeroMagnitude
  }

  @Test func whatDoesNotFitIsCounted() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recorder.record(epoch: 0, batch: 0) { $0.add("w", rows: [1.0], at: [5], shape: [5, 1]) }
    #expect(
      recorder.losses.failure?.description
        == "weight \"w\": there is no row 5 in a gradient of shape [5, 1]; pass indices from 0 to 4"
    )
    recorder.record(epoch: 0, batch: 1) { $0.add("w", rows: [1.0], at: [-1], shape: [5, 1]) }
    recorder.record(epoch: 0, batch: 2) { $0.add("w", rows: [1.0], at: [1], shape: [5, 2]) }
    recorder.record(epoch: 0, batch: 3) { $0.add("w", rows: [1.0], at: [0], shape: []) }
    recorder.record(epoch: 0, batch: 4) {
      $0.add("w", rows: [1.0], at: [0], shape: [0, 1])
    }
    #expect(recorder.losses.batches == 5)
    #expect(throws: GradlogError.self) { try recorder.close() }
  }

  @Test func valuesAreKeptAroundFindings() throws {
    var options = GradientRecorder.Options()
    options.capture = try CapturePlan(.aroundFindings(before: 1, after: 0), encoding: .float16)
    try GradientRecorder.record(to: path, run: "r", options: options) { recorder in
      for batch in 0..<4 {
        recorder.record(epoch: 0, batch: batch) {
          let value = batch == 2 ? Float.nan : Float(batch)
          $0.add("w", rows: [value], at: [0], shape: [2, 1])
        }
      }
    }
    #expect(
      try rows(path, "SELECT batch, encoding, hex(values_blob) FROM gradients") == [
        ["0", "NULL", ""], ["1", "rows", "00000000000000000000803F"],
        ["2", "rows", "00000000000000000000C07F"], ["3", "NULL", ""],
      ])
  }
}
