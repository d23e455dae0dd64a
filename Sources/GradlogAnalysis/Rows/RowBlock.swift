/// Rows of a result as SQLite hands them out, kept in memory that is used again: what lets the next
/// rows be read while others are being written down.
///
/// The cells lie one after the other: a byte for the kind, then the eight bytes of a number, or the
/// length and the bytes of a text or a blob. Cells at the start of a row that are those of the row
/// before, as all that a batch says of itself, are left out.
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

  /// Number of cells at the start of a row that may be left out when they repeat.
  let leadingCount: Int

  /// Number of rows.
  private(set) var rowCount = 0

  private var bytes: UnsafeMutableRawPointer
  private var capacity = RowBlock.fullSize + 4096
  private var count = 0

  /// Makes a block without rows.
  init(columnCount: Int, leadingCount: Int = 0) {
    self.columnCount = columnCount
    self.leadingCount = leadingCount
    bytes = .allocate(byteCount: capacity, alignment: 8)
  }

  deinit {
    bytes.deallocate()
  }

  /// Whether it is time to pass the rows on.
  var isFull: Bool { count >= Self.fullSize }

  /// Begins a row, whose cells are to be appended; not the leading ones if they repeat those of the
  /// row before, of which there must be one in this block.
  @inline(__always)
  func beginRow(repeating: Bool = false) {
    rowCount += 1
    guard leadingCount > 0 else { return }
    reserve(1)
    bytes.storeBytes(of: repeating ? 1 : 0, toByteOffset: count, as: UInt8.self)
    count += 1
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

  /// A walk through the rows from the first on; valid until the block is changed.
  var walk: Walk { Walk(place: UnsafeRawPointer(bytes)) }

  /// Gives the cells of a block in order.
  struct Walk {
    fileprivate var place: UnsafeRawPointer

    /// At the start of a row that has leading cells: whether these are those of the row before, and
    /// so do not follow.
    @inline(__always)
    mutating func repeatsLeading() -> Bool {
      defer { place += 1 }
      return place.load(as: UInt8.self) != 0
    }

    /// The next cell.
    @inline(__always)
    mutating func next() -> Cell {
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
  }

  /// Calls `body` with each row in order.
  public func forEachRow(_ body: ([CellValue]) throws -> Void) rethrows {
    var row = [CellValue](repeating: .null, count: columnCount)
    var walk = walk
    for _ in 0..<rowCount {
      let first = leadingCount > 0 && walk.repeatsLeading() ? leadingCount : 0
      for column in first..<columnCount { row[column] = CellValue(walk.next()) }
      try body(row)
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
