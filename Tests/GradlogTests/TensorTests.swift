import Gradlog
import Testing

@Suite struct TensorViewTests {
  private let storage: [UInt8] = Array(repeating: 0, count: 64)

  private func view(_ dtype: DType, _ shape: [Int], bytes: Int) throws -> Int {
    try storage.withUnsafeBytes {
      try TensorView(
        dtype: dtype, shape: shape, bytes: UnsafeRawBufferPointer(rebasing: $0[..<bytes])
      )
      .elementCount
    }
  }

  @Test(arguments: [
    (DType.float32, [2, 3], 24, 6), (.float64, [], 8, 1), (.float16, [0], 0, 0),
    (.bfloat16, [3, 0, 5], 0, 0), (.float64, [2, 2, 2], 64, 8),
  ])
  func acceptsBytesThatFit(dtype: DType, shape: [Int], bytes: Int, elements: Int) throws {
    #expect(try view(dtype, shape, bytes: bytes) == elements)
  }

  @Test func saysWhatDoesNotFit() {
    let error = #expect(throws: GradlogError.self) { try view(.float32, [2, 3], bytes: 20) }
    #expect(
      error?.description
        == "a float32 tensor of shape [2, 3] cannot be made from 20 bytes; pass 24 bytes, or the shape they have"
    )
    #expect(error?.code == .invalidTensor)
  }

  @Test(arguments: [[-1], [2, -3], [Int.max, 2], [1 << 32, 1 << 32]])
  func refusesShapesThatAreNone(shape: [Int]) {
    let error = #expect(throws: GradlogError.self) { try view(.float32, shape, bytes: 0) }
    #expect(error?.problem == "\(shape) is not the shape of a tensor")
  }

  @Test func refusesSizesThatOverflow() {
    let error = #expect(throws: GradlogError.self) { try view(.float64, [1 << 61], bytes: 0) }
    #expect(error?.remedy == "pass fewer elements, or the shape they have")
  }
}

@Suite struct BFloat16Tests {
  @Test func everyPatternSurvivesTheRoundTrip() {
    for pattern in UInt16.min...UInt16.max {
      let value = Float(BFloat16(bitPattern: pattern))
      if value.isNaN {
        #expect(Float(BFloat16(value)).isNaN)
      } else {
        #expect(BFloat16(value).bitPattern == pattern)
      }
    }
  }

  @Test(
    arguments: [
      // Halfway cases go to the even neighbour; just above goes up; the largest Float overflows.
      (Float(bitPattern: 0x3F80_8000), 0x3F80), (Float(bitPattern: 0x3F81_8000), 0x3F82),
      (Float(bitPattern: 0x3F80_8001), 0x3F81), (.greatestFiniteMagnitude, 0x7F80),
      (-0.0, 0x8000), (-.infinity, 0xFF80),
    ] as [(Float, UInt16)])
  func roundsToNearestEven(value: Float, pattern: UInt16) {
    #expect(BFloat16(value).bitPattern == pattern)
  }

  @Test func roundsADoubleOnce() {
    // A hair above a tie: rounding to Float first would make it the tie, and the tie goes down.
    #expect(BFloat16(Double(1 + 0x1p-8 + 0x1p-40)).bitPattern == 0x3F81)
    #expect(BFloat16(Double(1 + 0x1p-8 - 0x1p-40)).bitPattern == 0x3F80)
    #expect(BFloat16(Double(1 + 0x1p-8)).bitPattern == 0x3F80)
    #expect(BFloat16(-1e-50).bitPattern == 0x8000)
    #expect(BFloat16(1e300).bitPattern == 0x7F80)
    #expect(Float(BFloat16(Double.nan)).isNaN)
  }

  @Test func aNaNWhoseFractionIsLostStaysANaN() {
    #expect(Float(BFloat16(Float(bitPattern: 0x7F80_0001))).isNaN)
  }
}
