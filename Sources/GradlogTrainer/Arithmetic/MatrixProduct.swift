/// A row-major Float32 matrix product, `c = a·b (+ start)`, in tiles of 4 rows by 8 columns.
///
/// One tile keeps its 32 sums in registers while it walks along the depth; `a` is read through two
/// strides, so that `xᵀ·δ` needs no transposed copy, and the columns of `b` come as panels of 8.
/// A panel that is not eight contiguous columns of `b` (the last few columns, or a transposed `b`)
/// is packed into `scratch` first: depth × 8 copies against depth × 8 × rows multiplications.
///
/// The sums run over the depth in order and round after each step, as written: there is no fused
/// multiplication, which baseline x86-64 lacks.
struct MatrixProduct {
  /// The left operand: element (row, k) is `values[row * rowStride + k * depthStride]`.
  struct Left {
    let values: UnsafePointer<Float>
    let rowStride: Int
    let depthStride: Int
  }

  /// The right operand: element (k, column) is `values[k * depthStride + column * columnStride]`.
  struct Right {
    let values: UnsafePointer<Float>
    let depthStride: Int
    let columnStride: Int
  }

  /// Columns of one panel.
  static let panelWidth = Lanes.scalarCount

  /// Memory for one packed panel.
  private let scratch: FloatBuffer

  /// Prepares for products whose depth is at most `maximumDepth`.
  init(maximumDepth: Int) {
    scratch = FloatBuffer(count: maximumDepth * Self.panelWidth)
  }

  /// `y = x·w + b`: x [rows, inputs], w [inputs, units], b [units] or none, y [rows, units].
  func forward(
    x: UnsafePointer<Float>, kernel: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    y: UnsafeMutablePointer<Float>, rows: Int, inputs: Int, units: Int
  ) {
    multiply(
      Left(values: x, rowStride: inputs, depthStride: 1),
      Right(values: kernel, depthStride: units, columnStride: 1),
      start: bias, into: y, rows: rows, depth: inputs, columns: units)
  }

  /// `dw = xᵀ·δ`: x [rows, inputs], δ [rows, units], dw [inputs, units].
  func kernelGradient(
    x: UnsafePointer<Float>, delta: UnsafePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>,
    rows: Int, inputs: Int, units: Int
  ) {
    multiply(
      Left(values: x, rowStride: 1, depthStride: inputs),
      Right(values: delta, depthStride: units, columnStride: 1),
      start: nil, into: gradient, rows: inputs, depth: rows, columns: units)
  }

  /// `dx = δ·wᵀ`: δ [rows, units], w [inputs, units], dx [rows, inputs].
  func inputGradient(
    delta: UnsafePointer<Float>, kernel: UnsafePointer<Float>,
    into gradient: UnsafeMutablePointer<Float>, rows: Int, inputs: Int, units: Int
  ) {
    multiply(
      Left(values: delta, rowStride: units, depthStride: 1),
      Right(values: kernel, depthStride: 1, columnStride: units),
      start: nil, into: gradient, rows: rows, depth: units, columns: inputs)
  }

  private func multiply(
    _ a: Left, _ b: Right, start: UnsafePointer<Float>?, into c: UnsafeMutablePointer<Float>,
    rows: Int, depth: Int, columns: Int
  ) {
    var column = 0
    while column < columns {
      let width = min(Self.panelWidth, columns - column)
      let isDirect = b.columnStride == 1 && width == Self.panelWidth
      let panel =
        isDirect ? b.values + column : pack(b, column: column, width: width, depth: depth)
      var initial = Lanes.zero
      if let start {
        for lane in 0..<width { initial[lane] = start[column + lane] }
      }
      fillColumns(
        a, panel, panelStride: isDirect ? b.depthStride : Self.panelWidth, initial: initial,
        into: c + column, columns: columns, width: width, rows: rows, depth: depth)
      column += Self.panelWidth
    }
  }

  /// Copies up to eight columns of `b` side by side; missing ones become zeros.
  private func pack(_ b: Right, column: Int, width: Int, depth: Int) -> UnsafePointer<Float> {
    let packed = scratch.start
    for lane in 0..<Self.panelWidth {
      let source = b.values + (column + lane) * b.columnStride
      for k in 0..<depth {
        packed[k * Self.panelWidth + lane] = lane < width ? source[k * b.depthStride] : 0
      }
    }
    return UnsafePointer(packed)
  }

  /// Computes every row of one panel's columns.
  private func fillColumns(
    _ a: Left, _ panel: UnsafePointer<Float>, panelStride: Int, initial: Lanes,
    into c: UnsafeMutablePointer<Float>, columns: Int, width: Int, rows: Int, depth: Int
  ) {
    var row = 0
    while row + 4 <= rows {
      var sum0 = initial
      var sum1 = initial
      var sum2 = initial
      var sum3 = initial
      var left = a.values + row * a.rowStride
      var right = panel
      for _ in 0..<depth {
        let values = right[lanes: 0]
        sum0 += values * Lanes(repeating: left[0])
        sum1 += values * Lanes(repeating: left[a.rowStride])
        sum2 += values * Lanes(repeating: left[2 * a.rowStride])
        sum3 += values * Lanes(repeating: left[3 * a.rowStride])
        left += a.depthStride
        right += panelStride
      }
      let target = c + row * columns
      store(sum0, at: target, width: width)
      store(sum1, at: target + columns, width: width)
      store(sum2, at: target + 2 * columns, width: width)
      store(sum3, at: target + 3 * columns, width: width)
      row += 4
    }
    while row < rows {
      var sum = initial
      for k in 0..<depth {
        let values = panel[lanes: k * panelStride]
        sum += values * Lanes(repeating: a.values[row * a.rowStride + k * a.depthStride])
      }
      store(sum, at: c + row * columns, width: width)
      row += 1
    }
  }

  /// Writes the first `width` lanes.
  @inline(__always)
  private func store(_ sum: Lanes, at target: UnsafeMutablePointer<Float>, width: Int) {
    if width == Self.panelWidth {
      target[lanes: 0] = sum
    } else {
      for lane in 0..<width { target[lane] = sum[lane] }
    }
  }
}
