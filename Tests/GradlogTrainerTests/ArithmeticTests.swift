import Testing

@testable import GradlogTrainer

struct ArithmeticTests {
  @Test func vectorRootsAreRoots() {
    var source = RandomSource(seed: 1)
    for exponent in -126...127 {
      for _ in 0..<20 {
        let number = Float(
          sign: .plus, exponent: exponent, significand: Float(1 + source.uniform()))
        let root = Lanes(repeating: number).vectorRoot
        let expected = number.squareRoot()
        #expect(root[0] >= expected.nextDown && root[0] <= expected.nextUp, "√\(number)")
        #expect(root == Lanes(repeating: root[0]))
      }
    }
    #expect(Lanes.zero.vectorRoot == .zero)
    #expect(Lanes(repeating: .infinity).vectorRoot == Lanes(repeating: .infinity))
    #expect(Lanes(repeating: .nan).vectorRoot[7].isNaN)
    #expect(Lanes(repeating: .leastNonzeroMagnitude).vectorRoot[0] < 1e-18)
  }

  /// Every combination of whole tiles, remainders and packed panels, against three nested loops.
  @Test(arguments: [1, 3, 4, 9], [1, 7, 8, 18])
  func productsAreProducts(rows: Int, units: Int) {
    for inputs in [1, 8, 13] {
      var source = RandomSource(seed: UInt64(rows * 100 + units))
      func random(_ count: Int) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        buffer.assign((0..<count).map { _ in Float(source.uniform() - 0.5) })
        return buffer
      }
      let (x, w, b, d) = (
        random(rows * inputs), random(inputs * units), random(units), random(rows * units)
      )
      let product = MatrixProduct(maximumDepth: max(rows, inputs, units))
      let (y, dw, dx) = (
        FloatBuffer(count: rows * units), FloatBuffer(count: inputs * units),
        FloatBuffer(count: rows * inputs)
      )
      product.forward(
        x: x.start, kernel: w.start, bias: b.start, y: y.start, rows: rows, inputs: inputs,
        units: units)
      product.kernelGradient(
        x: x.start, delta: d.start, into: dw.start, rows: rows, inputs: inputs, units: units)
      product.inputGradient(
        delta: d.start, kernel: w.start, into: dx.start, rows: rows, inputs: inputs, units: units)

      func sum(_ count: Int, _ term: (Int) -> Float) -> Float {
        (0..<count).reduce(0) { $0 + term($1) }
      }
      for row in 0..<rows {
        for unit in 0..<units {
          let expected = sum(inputs) { x.values[row * inputs + $0] * w.values[$0 * units + unit] }
          #expect(abs(y.values[row * units + unit] - expected - b.values[unit]) < 1e-5)
        }
        for input in 0..<inputs {
          let expected = sum(units) { d.values[row * units + $0] * w.values[input * units + $0] }
          #expect(abs(dx.values[row * inputs + input] - expected) < 1e-5)
        }
      }
      for input in 0..<inputs {
        for unit in 0..<units {
          let expected = sum(rows) { x.values[$0 * inputs + input] * d.values[$0 * units + unit] }
          #expect(abs(dw.values[input * units + unit] - expected) < 1e-5)
        }
      }
    }
  }
}
