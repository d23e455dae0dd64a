/// Rows of a result as SQLite hands them out, kept in memory that is used again: what lets the next
/// rows be read while others are being written down.
///
/// The cells lie one after the other: a byte for the kind, then the eight bytes of a number, or the
/// length and the bytes of a text or a blob.
public final class RowBlock {
  /// Measured: less costs more hand-overs, more falls out of the processor's cache.
  private static let fullSize = 192 * 1024

  /// One cell; its bytes are valid until the block is changed.
  enum Cell {
    case null
    case integer(Int64)
    case real(Double)
    /// Not necessarily UTF-8.
    case text(UnsafeRawBufferPointer)
    case blob(UnsafeRawBufferPointer)
  }

  private enum Kind {
    static let null: UInt8 = 0
    static let integer: UInt8 = 1
    static let real: UInt8 = 2
    static let text: UInt8 = 3
    static let blob: UInt8 = 4
  }

  /// Number of cells in a row.
  let columnCount: Int

  /// Number of whole rows.
  private(set) var rowCount = 0

  private var bytes: UnsafeMutableRawPointer
  private var capacity = RowBlock.fullSize + 4096
  private var count = 0

  /// Makes a block without rows.
  init(columnCount: Int) {
    self.columnCount = columnCount
    bytes = .allocate(byteCount: capacity, alignment: 8)
  }

  deinit {
    bytes.deallocate()
  }

  /// Whether it is time to pass the rows on.
  var isFull: Bool { count >= Self.fullSize }

  /// Ends a row, of which each cell has been appended.
  func endRow() {
    rowCount += 1
  }

  /// Forgets the rows and keeps the memory.
  func removeAll() {
    rowCount = 0
    count = 0
  }

  /// Appends a NULL.
  @inline(__always)
  func appendNull() {
    reserve(1)
    bytes.storeBytes(of: Kind.null, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  /// Appends an integer.
  @inline(__always)
  func append(_ integer: Int64) {
    append(Kind.integer, UInt64(bitPattern: integer))
  }

  /// Appends a double.
  @inline(__always)
  func append(_ real: Double) {
    append(Kind.real, real.bitPattern)
  }

  /// Appends the bytes of a text.
  func append(text: UnsafeRawBufferPointer) {
    append(Kind.text, text)
  }

  /// Appends a blob.
  func append(blob: UnsafeRawBufferPointer) {
    append(Kind.blob, blob)
  }

  @inline(__always)
  private func append(_ kind: UInt8, _ bits: UInt64) {
    reserve(9)
    bytes.storeBytes(of: kind, toByteOffset: count, as: UInt8.self)
    bytes.storeBytes(of: bits, toByteOffset: count + 1, as: UInt64.self)
    count += 9
  }

  @inline(__always)
  private func append(_ kind: UInt8, _ content: UnsafeRawBufferPointer) {
    append(kind, UInt64(content.count))
    guard let start = content.baseAddress else { return }
    reserve(content.count)
    (bytes + count).copyMemory(from: start, byteCount: content.count)
    count += content.count
  }

  @inline(__always)
  private func reserve(_ more: Int) {
    if count + more > capacity { grow(by: more) }
  }

  private func grow(by more: Int) {
    capacity = max(capacity * 2, count + more)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    moved.copyMemory(from: bytes, byteCount: count)
    bytes.deallocate()
    bytes = moved
  }

  /// Calls `body` for each cell in order; `column` counts from 0 in each row.
  @inline(__always)
  func forEachCell(_ body: (_ column: Int, Cell) throws -> Void) rethrows {
    var place = UnsafeRawPointer(bytes)
    for _ in 0..<rowCount {
      for column in 0..<columnCount { try body(column, Self.next(&place)) }
    }
  }

  @inline(__always)
  private static func next(_ place: inout UnsafeRawPointer) -> Cell {
    let kind = place.load(as: UInt8.self)
    guard kind != Kind.null else {
      place += 1
      return .null
    }
    let bits = (place + 1).loadUnaligned(as: UInt64.self)
    place += 9
    switch kind {
    case Kind.integer: return .integer(Int64(bitPattern: bits))
    case Kind.real: return .real(Double(bitPattern: bits))
    default:
      let content = UnsafeRawBufferPointer(start: place, count: Int(bits))
      place += content.count
      return kind == Kind.text ? .text(content) : .blob(content)
    }
  }

  /// Calls `body` with each row in order.
  public func forEachRow(_ body: ([CellValue]) throws -> Void) rethrows {
    var row = [CellValue](repeating: .null, count: columnCount)
    if columnCount == 0 { for _ in 0..<rowCount { try body(row) } }
    try forEachCell { column, cell in
      row[column] = CellValue(cell)
      if column == columnCount - 1 { try body(row) }
    }
  }
}

extension CellValue {
  /// A copy of a cell.
  init(_ cell: RowBlock.Cell) {
    switch cell {
    case .null: self = .null
    case .integer(let integer): self = .integer(integer)
    case .real(let real): self = .real(real)
    case .text(let bytes): self = .text(String(decoding: bytes, as: UTF8.self))
    case .blob(let bytes): self = .blob(Array(bytes))
    }
  }
}
