/// Counts the slices of a gradient along its first dimension, its rows, and along its last one, its columns, in
/// which every element is zero, of either sign. NaN is not zero.
///
/// The zeros are counted by then. A gradient that has fewer than the shortest slice has elements, as
/// most have, is not looked at.
struct ZeroSlices: ~Copyable {
  /// The columns that are zero in every line so far; kept for its memory.
  private var candidates: [Int] = []
  /// The bits of a column's elements in the lines that were looked at together; kept for its memory.
  private var unions: [UInt8] = []

  /// Lines after which columns that happen to begin with zeros are mostly told from those that are zero.
  private static let firstLines = 8

  /// Fills in both counts of a gradient whose elements and zeros are counted. A scalar has neither.
  mutating func count(in tensor: RecordedTensor, _ statistics: inout GradientStatistics) {
    let shape = tensor.shape
    guard let rows = shape.first, let columns = shape.last else { return }
    let zeroCount = statistics.zeroCount
    if statistics.elementCount == 0 {
      (statistics.zeroRows, statistics.zeroColumns) = (0, 0)
    } else if zeroCount == statistics.elementCount {
      (statistics.zeroRows, statistics.zeroColumns) = (rows, columns)
    } else if shape.count == 1 {
      (statistics.zeroRows, statistics.zeroColumns) = (zeroCount, zeroCount)
    } else {
      switch tensor {
      case .whole(let view):
        let matrix = ZeroElements(view, rows: rows, columns: columns)
        (statistics.zeroRows, statistics.zeroColumns) = count(in: matrix, zeroCount: zeroCount)
      case .rows(let kept):
        let matrix = ZeroElements(kept.elements, rows: kept.count, columns: columns)
        let counts = count(in: matrix, zeroCount: zeroCount - kept.omittedElementCount)
        statistics.zeroRows = rows - kept.count + counts.rows
        statistics.zeroColumns = counts.columns
      }
    }
  }

  /// Not all of the elements are zero, but `zeroCount` of them.
  private mutating func count(
    in matrix: ZeroElements, zeroCount: Int
  ) -> (rows: Int, columns: Int) {
    let rows = zeroRows(of: matrix, zeroCount: zeroCount)
    // A zero column passes through every row, and what the zero rows have is spent.
    let left = zeroCount - rows * matrix.rowLength
    let needed = (matrix.rows - rows) * (matrix.rowLength / matrix.columns)
    return (rows, left < needed ? 0 : zeroColumns(of: matrix))
  }

  private func zeroRows(of matrix: ZeroElements, zeroCount: Int) -> Int {
    var found = 0
    var left = zeroCount
    var row = 0
    while left >= matrix.rowLength, row < matrix.rows {
      if matrix.isZeroRow(row) {
        found += 1
        left -= matrix.rowLength
      }
      row += 1
    }
    return found
  }

  private mutating func zeroColumns(of matrix: ZeroElements) -> Int {
    candidates.removeAll(keepingCapacity: true)
    candidates.append(contentsOf: 0..<matrix.columns)
    var line = 0
    while !candidates.isEmpty, line < matrix.lines {
      // One column by itself takes as long as many in a vector.
      if line == Self.firstLines, candidates.count * 8 > matrix.columns {
        return zeroColumns(of: matrix, from: line)
      }
      matrix.keepZeros(of: line, among: &candidates)
      line += 1
    }
    return candidates.count
  }

  /// The candidates that are zero in all lines from one on, too.
  private mutating func zeroColumns(of matrix: ZeroElements, from line: Int) -> Int {
    unions.removeAll(keepingCapacity: true)
    unions.append(contentsOf: repeatElement(0, count: matrix.lineLength))
    return unions.withUnsafeMutableBytes { unions in
      for line in line..<matrix.lines { matrix.unite(line, into: unions) }
      return candidates.count { matrix.isZero(inUnion: UnsafeRawBufferPointer(unions), $0) }
    }
  }
}

/// The elements of a tensor of two dimensions or more, which has some, asked only whether they are zero.
private struct ZeroElements {
  /// Slices along the first dimension, and the elements of one.
  let rows: Int
  let rowLength: Int
  /// Slices along the last dimension.
  let columns: Int
  /// Runs of as many elements as there are columns.
  let lines: Int
  private let bytes: UnsafeRawBufferPointer
  private let width: Int
  /// Every bit of as many elements as fit but their signs.
  private let magnitudes: UInt64

  init(_ elements: TensorView, rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    rowLength = elements.elementCount / rows
    lines = elements.elementCount / columns
    bytes = elements.bytes
    width = elements.dtype.byteWidth
    switch width {
    case 2: magnitudes = 0x7FFF_7FFF_7FFF_7FFF
    case 4: magnitudes = 0x7FFF_FFFF_7FFF_FFFF
    default: magnitudes = 0x7FFF_FFFF_FFFF_FFFF
    }
  }

  /// Bytes of a line.
  var lineLength: Int { columns * width }

  /// Adds the bits of a line's elements to those that are there.
  func unite(_ line: Int, into unions: UnsafeMutableRawBufferPointer) {
    let start = line * lineLength
    var place = 0
    while place + 32 <= lineLength {
      let united =
        unions.loadUnaligned(fromByteOffset: place, as: SIMD4<UInt64>.self)
        | bytes.loadUnaligned(fromByteOffset: start &+ place, as: SIMD4<UInt64>.self)
      unions.storeBytes(of: united, toByteOffset: place, as: SIMD4<UInt64>.self)
      place += 32
    }
    while place < lineLength {
      unions[place] |= bytes[start &+ place]
      place += 1
    }
  }

  /// Whether the elements of a column that were united are zero, of either sign.
  func isZero(inUnion unions: UnsafeRawBufferPointer, _ column: Int) -> Bool {
    isZero(at: column &* width, of: unions)
  }

  func isZeroRow(_ row: Int) -> Bool {
    var place = row * rowLength * width
    let end = place + rowLength * width
    while place + 32 <= end {
      let words = bytes.loadUnaligned(fromByteOffset: place, as: SIMD4<UInt64>.self) & magnitudes
      guard words == .zero else { return false }
      place += 32
    }
    while place + 8 <= end {
      guard bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) & magnitudes == 0 else {
        return false
      }
      place += 8
    }
    while place < end {
      guard isZero(at: place, of: bytes) else { return false }
      place += width
    }
    return true
  }

  /// Leaves the columns in `candidates` whose element in a line is zero.
  func keepZeros(of line: Int, among candidates: inout [Int]) {
    let start = line * columns * width
    var kept = 0
    for index in candidates.indices {
      let column = candidates[index]
      // Without a branch: zeros come in no order.
      candidates[kept] = column
      kept &+= isZero(at: start &+ column &* width, of: bytes) ? 1 : 0
    }
    candidates.removeSubrange(kept...)
  }

  @inline(__always)
  private func isZero(at place: Int, of bytes: UnsafeRawBufferPointer) -> Bool {
    switch width {
    case 2: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self) &<< 1 == 0
    case 4: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self) &<< 1 == 0
    default: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) &<< 1 == 0
    }
  }
}
