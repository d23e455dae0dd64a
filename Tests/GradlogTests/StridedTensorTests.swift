import Testing

@testable import Gradlog

@Suite struct StridedTensorTests {
  /// Copies, and compares with a walk over every index.
  private func expectCopy(
    _ shape: [Int], strides: [Int], from start: Int, dtype: DType, of memory: [UInt8]
  ) throws {
    try memory.withUnsafeBytes { memory in
      let origin = try #require(memory.baseAddress) + start
      let tensor = try StridedTensor(dtype: dtype, shape: shape, strides: strides, origin: origin)
      var expected: [UInt8] = []
      for number in 0..<shape.reduce(1, *) {
        var rest = number
        var offset = start
        for (extent, stride) in zip(shape, strides).reversed() {
          offset += rest % extent * stride
          rest /= extent
        }
        expected += memory[offset..<(offset + dtype.byteWidth)]
      }
      var found = [UInt8](repeating: 0xAA, count: tensor.byteCount)
      found.withUnsafeMutableBytes { buffer in
        if let destination = buffer.baseAddress { tensor.copy(to: destination) }
      }
      #expect(found == expected)
    }
  }

  @Test(arguments: DType.allCases, 0..<60)
  func everyLayoutIsCopiedRowMajor(_ dtype: DType, _ seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let memory = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }
    let rank = Int.random(in: 0...4, using: &random)
    let shape = (0..<rank).map { _ in Int.random(in: 0...4, using: &random) }
    let width = dtype.byteWidth
    // Contiguous layouts as often as arbitrary ones: dimensions that follow on are copied as one.
    var strides: [Int] = []
    if Bool.random(using: &random) {
      var step = width
      for extent in shape.reversed() {
        strides.insert(step, at: 0)
        step *= max(extent, 1)
      }
      let order = Array(shape.indices).shuffled(using: &random)
      try expectCopy(
        order.map { shape[$0] }, strides: order.map { strides[$0] }, from: 1, dtype: dtype,
        of: memory)
    } else {
      strides = shape.map { _ in Int.random(in: -40...40, using: &random) }
      try expectCopy(shape, strides: strides, from: 2048, dtype: dtype, of: memory)
    }
  }

  @Test func whatCannotBeReadIsRefused() {
    for (shape, strides) in [([2], []), ([-1], [4]), ([2], [4])] as [([Int], [Int])] {
      #expect(throws: GradlogError.self) {
        try StridedTensor(dtype: .float32, shape: shape, strides: strides, origin: nil)
      }
    }
    #expect(throws: Never.self) {
      try StridedTensor(dtype: .float32, shape: [0, 3], strides: [9, 9], origin: nil)
    }
  }
}
