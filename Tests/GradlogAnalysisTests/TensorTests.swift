import Foundation
import Gradlog
import Testing

@testable import GradlogAnalysis

/// Values of every type on their way out of a file.
@Suite struct TensorTests {
  /// 0.1, −0.0, NaN, +inf, −inf and the smallest subnormal, in each type.
  private static let hostile: [(type: String, hex: String, values: String)] = [
    (
      "float32", "cdcccc3d000000800000c07f0000807f000080ff01000000",
      "0.1 -0.0 nan 1e999 -1e999 1e-45"
    ),
    ("float16", "662e0080007e007c00fc0100", "0.1 -0.0 nan 1e999 -1e999 6e-08"),
    ("bfloat16", "cd3d0080c07f807f80ff0100", "0.100097656 -0.0 nan 1e999 -1e999 9.1835e-41"),
    (
      "float64",
      "9a9999999999b93f0000000000000080000000000000f87f000000000000f07f000000000000f0ff0100000000000000",
      "0.1 -0.0 nan 1e999 -1e999 5e-324"
    ),
  ]

  private func recording(_ type: String, _ hex: String) throws -> ScratchRecording {
    try ScratchRecording(
      ScratchRecording.gradient(1, "w", type, "[2,3]", count: 6, hex: hex))
  }

  @Test(arguments: hostile.indices)
  func valuesAsCSV(index: Int) throws {
    let (type, hex, values) = Self.hostile[index]
    let rows = values.split(separator: " ").enumerated().map { "digits,0,0,0,0,w,\($0),\($1)\r\n" }
    #expect(
      try exported(recording(type, hex).open(), .values)
        == "run,rank,epoch,batch,step,weight,index,value\r\n" + rows.joined())
  }

  @Test func valuesAsJSONSpellWhatJSONLacks() throws {
    let lines = try exported(
      recording("float32", Self.hostile[0].hex).open(), .values, as: .ndjson
    ).split(separator: "\n")
    let values = lines.map { $0.split(separator: ":").last.map(String.init) }
    #expect(values == ["0.1}", "-0.0}", "\"NaN\"}", "\"Infinity\"}", "\"-Infinity\"}", "1e-45}"])
  }

  @Test func valuesStopAtTheLimit() throws {
    let file = try recording("float32", Self.hostile[0].hex).open()
    var filter = RowFilter()
    filter.limit = 2
    #expect(try exported(file, .values, filter: filter).split(separator: "\r\n").count == 3)
    filter.limit = 0
    #expect(try exported(file, .values, filter: filter).split(separator: "\r\n").count == 1)
  }

  @Test func aBlobInManyPiecesIsWhole() throws {
    // 200,000 float32 elements are four pieces; each element is its own index.
    let count = 200_000
    let hex = (0..<count).map { index in
      withUnsafeBytes(of: Float(index).bitPattern.littleEndian) { bytes in
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
      }
    }.joined()
    let scratch = try ScratchRecording(
      ScratchRecording.gradient(1, "w", "float32", "[\(count)]", count: count, hex: hex))
    let rows = try exported(scratch.open(), .values).split(separator: "\r\n").dropFirst()
    #expect(rows.count == count)
    #expect(rows.enumerated().allSatisfy { $1 == "digits,0,0,0,0,w,\($0),\(Float($0))" })
  }

  @Test(
    arguments: [
      (DType.float32, [2, 3], "<f4", "(2, 3)"), (.float16, [7], "<f2", "(7,)"),
      (.float64, [], "<f8", "()"), (.bfloat16, [0, 2], "<f4", "(0, 2)"),
    ])
  func npyHeader(type: DType, shape: [Int], descriptor: String, tuple: String) {
    let bytes = NPYFile.bytes(of: [], type: type, shape: shape)
    let dictionary = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(tuple), }"
    let padded = dictionary.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
    #expect(bytes == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0] + Array(padded.utf8))
  }

  @Test func bfloat16IsWidenedInNPY() {
    let bytes = NPYFile.bytes(of: [0x80, 0x3F, 0x40, 0xC0], type: .bfloat16, shape: [2])
    #expect(Array(bytes.suffix(8)) == [0, 0, 0x80, 0x3F, 0, 0, 0x40, 0xC0])
  }

  @Test(
    .enabled(if: python(with: "numpy") != nil, "numpy is not installed"), arguments: hostile.indices
  )
  func numpyReadsNPY(index: Int) throws {
    let (type, hex, _) = Self.hostile[index]
    let scratch = try recording(type, hex)
    let gradient = try scratch.open().gradient(at: GradientAddress())
    let path = scratch.folder + "/w.npy"
    var bytes: [UInt8] = []
    try gradient.write(as: .npy, to: ByteOutput { bytes += Array($0) })
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let program = """
      import numpy, sys
      array = numpy.load(sys.argv[1])
      expected = numpy.frombuffer(bytes.fromhex(sys.argv[2]), {'float16': '<f2', 'bfloat16': '<u2',
        'float32': '<f4', 'float64': '<f8'}[sys.argv[3]])
      if sys.argv[3] == 'bfloat16':
        expected = (expected.astype('<u4') << 16).view('<f4')
      assert array.shape == (2, 3) and array.dtype == expected.dtype, (array.shape, array.dtype)
      assert array.tobytes() == expected.tobytes(), array
      """
    let result = try run(try #require(python(with: "numpy")), "-c", program, path, hex, type)
    #expect(result.code == 0, "\(result.output)")
  }

  @Test func aShapeThatDoesNotFitTheBytesIsDamage() throws {
    let scratch = try ScratchRecording(
      ScratchRecording.gradient(1, "w", "float32", "[2,4]", count: 8, hex: Self.hostile[0].hex))
    let error = try #require(throws: GradlogError.self) {
      try scratch.open().gradient(at: GradientAddress())
    }
    #expect(
      error.problem
        == "'\(scratch.path)' is damaged ('w' of shape [2,4] has 24 bytes of float32)")
  }

  @Test func theHistogramIsDecoded() throws {
    // 1,086 is 0xBE 0x08 in LEB128; 300 is 0xAC 0x02.
    let histogram = try #require(try? ExponentHistogram(blob: [0xBE, 0x08, 3, 0xAC, 0x02, 0, 1]))
    #expect(histogram.lowestExponent == -14)
    #expect(histogram.counts == [3, 300, 0, 1])
    let groups = histogram.grouped(into: 2)
    #expect(groups.map(\.exponents) == [-14 ... -13, -12 ... -11])
    #expect(groups.map(\.count) == [303, 1])
  }

  @Test(
    arguments: [
      [0xBE], [0xBE, 0x08, 0x80], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
      [0xFF, 0x7F, 1], [UInt8](repeating: 1, count: 100_000),
    ] as [[UInt8]])
  func aBrokenHistogramIsNil(blob: [UInt8]) {
    #expect((try? ExponentHistogram(blob: blob)) == nil)
  }

  @Test func drawingsFitIntoEightyColumns() throws {
    let counts = (0..<2_000).map { [UInt8]([0xFF, 0xFF, 0x03 + UInt8($0 % 3)]) }.joined()
    let histogram = try #require(try? ExponentHistogram(blob: [0x20] + Array(counts)))
    let lines = histogram.drawing()
    #expect(lines.count <= 24)
    #expect(lines.allSatisfy { $0.count < 80 })
  }

  @Test(
    arguments: [
      (0, "0"), (1.0, "1"), (-0.5, "-0.5"), (123456.7, "123457"), (999999.5, "1000000"),
      (1234567.25, "1234567"), (1e15, "1e+15"), (123e-7, "1.23e-05"),
      (0.00012345678, "0.000123457"),
      (9.9999999e-5, "0.0001"), (.leastNonzeroMagnitude, "5e-324"),
      (-1.7976931348623157e308, "-1.79769e+308"),
      (.infinity, "inf"), (1732345678.25, "1732345678"),
    ] as [(Double, String)])
  func numbersForPeople(number: Double, expected: String) {
    #expect(DisplayText.number(number) == expected)
  }

  @Test(arguments: [(0, "0 bytes"), (1, "1 byte"), (1536, "1.5 KiB"), (10_485_760, "10 MiB")])
  func bytesForPeople(count: Int, expected: String) {
    #expect(ByteCount(count).description == expected)
  }
}
