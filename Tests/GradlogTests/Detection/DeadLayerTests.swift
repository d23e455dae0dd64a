import Testing

@testable import Gradlog

/// Which zeros are dead units: those of a vector with its kernel, and those of two kernels that are linked.
@Suite struct DeadLayerTests {
  /// Random numbers in rows, but for the rows and columns that are zero.
  private func matrix(
    _ rows: Int, _ columns: Int, zeroRows: Range<Int> = 0..<0, zeroColumns: Range<Int> = 0..<0,
    _ random: inout SplitMix64
  ) -> [Double] {
    (0..<rows * columns).map { index in
      let isZero = zeroRows.contains(index / columns) || zeroColumns.contains(index % columns)
      return isZero ? 0 : random.normal()
    }
  }

  private func vector(_ count: Int, zeros: Int, _ random: inout SplitMix64) -> [Double] {
    (0..<count).map { $0 < zeros ? 0 : random.normal() }
  }

  /// Forty batches of whatever `gradients` makes.
  private func trained(
    _ shapes: [[Int]], gradients: (inout SplitMix64) -> [[Double]?]
  ) -> MadeUpTraining {
    var random = SplitMix64(seed: 25)
    var training = MadeUpTraining(shapes)
    for _ in 0..<40 { training.batch(gradients(&random)) }
    return training
  }

  private func dead(_ training: MadeUpTraining) -> [String] {
    training.detectors.findings.filter { $0.rule == .dead }.map {
      "\($0.weight ?? -1) \($0.severity.rawValue) \($0.value)"
    }
  }

  /// Such as one that a normalization takes away again, or that a softmax does not depend on.
  @Test func aBiasWhoseKernelLivesIsNotDead() {
    for shape in [[3, 10], [10, 3], [10, 5, 3, 3]] {
      let size = shape.reduce(1, *)
      let training = trained([shape, [10], [2, 10]]) { random in
        [random.normals(size), [Double](repeating: 0, count: 10), random.normals(20)]
      }
      #expect(dead(training) == [])
    }
  }

  @Test func aBiasIsAsDeadAsItsKernel() {
    // Ten units, of which eight get nothing through the kernel, and nine in the bias.
    let keras = trained([[3, 10], [10]]) {
      [matrix(3, 10, zeroColumns: 0..<8, &$0), vector(10, zeros: 9, &$0)]
    }
    #expect(dead(keras) == ["1 critical 0.8"])
    let pytorch = trained([[10, 3], [10]]) {
      [matrix(10, 3, zeroRows: 0..<9, &$0), vector(10, zeros: 8, &$0)]
    }
    #expect(dead(pytorch) == ["1 critical 0.8"])
  }

  @Test func lessThanFourFifthsAreInformation() {
    let training = trained([[10, 3], [10]]) {
      [matrix(10, 3, zeroRows: 0..<7, &$0), vector(10, zeros: 7, &$0)]
    }
    #expect(dead(training) == ["1 info 0.7"])
  }

  /// A scale and a shift after one kernel, without a bias.
  @Test func whatNormalizesAfterADeadKernelIsDeadToo() {
    let training = trained([[10, 3], [10], [10], [2, 10]]) {
      [
        matrix(10, 3, zeroRows: 0..<9, &$0), vector(10, zeros: 9, &$0), vector(10, zeros: 9, &$0),
        random(20, &$0),
      ]
    }
    #expect(dead(training) == ["1 critical 0.9", "2 critical 0.9"])
  }

  private func random(_ count: Int, _ random: inout SplitMix64) -> [Double] {
    random.normals(count)
  }

  @Test func withoutBiasesTwoKernelsTellTogether() {
    // [out, in]: what leads to a unit is a row, what leads on is a column.
    let pytorch = trained([[10, 3], [4, 10], [2, 4]]) {
      [
        matrix(10, 3, zeroRows: 0..<9, &$0), matrix(4, 10, zeroColumns: 0..<9, &$0),
        matrix(2, 4, &$0),
      ]
    }
    #expect(dead(pytorch) == ["0 critical 0.9"])
    // [in, out]: the other way round.
    let keras = trained([[3, 10], [10, 4], [4, 2]]) {
      [
        matrix(3, 10, zeroColumns: 0..<9, &$0), matrix(10, 4, zeroRows: 0..<9, &$0),
        matrix(4, 2, &$0),
      ]
    }
    #expect(dead(keras) == ["0 critical 0.9"])
  }

  @Test func aKernelAloneHasNoDeadUnits() {
    // Inputs that are always zero, in either order; and units of which one kernel only says that they rest.
    let pytorch = trained([[5, 10], [2, 5]]) {
      [matrix(5, 10, zeroColumns: 0..<9, &$0), matrix(2, 5, &$0)]
    }
    let keras = trained([[10, 5], [5, 2]]) {
      [matrix(10, 5, zeroRows: 0..<9, &$0), matrix(5, 2, &$0)]
    }
    let half = trained([[10, 3], [2, 10]]) {
      [matrix(10, 3, zeroRows: 0..<9, &$0), matrix(2, 10, zeroColumns: 0..<4, &$0)]
    }
    let unlinked = trained([[10, 3], [2, 6]]) {
      [matrix(10, 3, zeroRows: 0..<9, &$0), matrix(2, 6, zeroColumns: 0..<5, &$0)]
    }
    #expect([pytorch, keras, half, unlinked].map(dead) == [[], [], [], []])
  }

  /// As many rows as the next kernel has inputs, and as many columns.
  @Test func rowsThatAreNotLookedUpAreNotDead() {
    let training = trained([[10, 10], [10, 10], [10], [2, 10]]) {
      [
        matrix(10, 10, zeroRows: 0..<9, &$0), matrix(10, 10, &$0), random(10, &$0),
        random(20, &$0),
      ]
    }
    #expect(dead(training) == [])
  }

  /// A temperature, beside kernels without biases.
  @Test func aScalarHasNoUnits() {
    let training = trained([[3, 4], [], [4, 3]]) { [random(12, &$0), [0], random(12, &$0)] }
    #expect(dead(training) == [])
  }

  /// Files of the formats before do not say which rows are zero.
  @Test func withoutTheSlicesTheVectorTells() {
    func trained(zeroRows: Int?) -> MadeUpTraining {
      var training = MadeUpTraining([[10, 3], [10]])
      for _ in 0..<40 {
        var kernel = ObservedGradient(weight: 0)
        kernel.norm = 1
        kernel.zeroCount = 15
        kernel.zeroRows = zeroRows
        kernel.zeroColumns = zeroRows
        var bias = ObservedGradient(weight: 1)
        bias.norm = 1
        bias.zeroCount = 9
        training.batch([kernel, bias])
      }
      return training
    }
    #expect(dead(trained(zeroRows: nil)) == ["1 critical 0.9"])
    #expect(dead(trained(zeroRows: 0)) == [])
  }
}
