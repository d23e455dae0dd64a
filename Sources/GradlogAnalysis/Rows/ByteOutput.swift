/// Collects bytes and passes them on in large pieces.
///
/// Appending never fails, so that a format is written without a `try` at each comma; what can fail
/// is ``flushIfFull()``, called once a row, and ``flush()``.
public final class ByteOutput {
  /// Measured: writes of 4 MiB and more are several times slower than pieces of up to 1 MiB.
  private static let pieceSize = 256 * 1024

  private var bytes: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// Number of bytes that were collected and not yet passed on.
  private(set) var count = 0
  private let sink: (UnsafeRawBufferPointer) throws -> Void

  /// Makes an output that passes its bytes to `sink`.
  public init(_ sink: @escaping (UnsafeRawBufferPointer) throws -> Void) {
    self.sink = sink
    capacity = Self.pieceSize + 4096
    bytes = .allocate(capacity: capacity)
  }

  deinit {
    bytes.deallocate()
  }

  /// Passes on what was collected once there is enough of it.
  ///
  /// - Throws: what the sink throws.
  @inline(__always)
  public func flushIfFull() throws {
    if count >= Self.pieceSize { try flush() }
  }

  /// Passes on what was collected.
  ///
  /// - Throws: what the sink throws.
  public func flush() throws {
    guard count > 0 else { return }
    defer { count = 0 }
    try sink(UnsafeRawBufferPointer(start: bytes, count: count))
  }

  /// Passes on what was collected, and then these bytes without collecting them.
  ///
  /// - Throws: what the sink throws.
  func pass(_ more: UnsafeRawBufferPointer) throws {
    try flush()
    if !more.isEmpty { try sink(more) }
  }

  /// Forgets what was collected and not yet passed on.
  func removeAll() {
    count = 0
  }

  /// Lends what was collected and not yet passed on.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(start: bytes, count: count))
  }

  /// Appends one byte.
  @inline(__always)
  public func append(_ byte: UInt8) {
    if count == capacity { grow(by: 1) }
    bytes[count] = byte
    count += 1
  }

  /// Appends bytes.
  @inline(__always)
  public func append(_ more: UnsafeRawBufferPointer) {
    guard let start = more.baseAddress else { return }
    if count + more.count > capacity { grow(by: more.count) }
    UnsafeMutableRawPointer(bytes + count).copyMemory(from: start, byteCount: more.count)
    count += more.count
  }

  /// Appends once more what was collected before, at these places.
  func append(again places: Range<Int>) {
    if count + places.count > capacity { grow(by: places.count) }
    (bytes + count).update(from: bytes + places.lowerBound, count: places.count)
    count += places.count
  }

  /// Appends bytes.
  public func append(_ more: [UInt8]) {
    more.withUnsafeBytes { append($0) }
  }

  /// Appends text as UTF-8.
  @inline(__always)
  public func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Appends text that is known when compiling.
  @inline(__always)
  public func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends an integer in decimal.
  @inline(__always)
  public func append(_ integer: Int64) {
    if integer >= 0, integer < 10 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: integer))
    } else {
      append(digitsOf: integer)
    }
  }

  private func append(digitsOf integer: Int64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var position = 20
      var rest = integer.magnitude
      repeat {
        position -= 1
        let quotient = rest / 10
        digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest - quotient * 10)
        rest = quotient
      } while rest > 0
      if integer < 0 { append(UInt8(ascii: "-")) }
      append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(digits)[position...]))
    }
  }

  /// Appends a number in the fewest digits that read back as the same number of its type, or `nan`,
  /// `inf` and `-inf`.
  @inline(__always)
  public func append(_ number: some BinaryFloatingPoint & TextOutputStreamable) {
    // A stream would be told the payload as well.
    guard !number.isNaN else { return append("nan" as StaticString) }
    var stream = NumberStream(output: self)
    number.write(to: &stream)
  }

  private func grow(by more: Int) {
    let larger = max(capacity * 2, count + more)
    let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    moved.update(from: bytes, count: count)
    bytes.deallocate()
    bytes = moved
    capacity = larger
  }
}

/// Takes the digits of a number without making a string of them.
private struct NumberStream: TextOutputStream {
  // Alive as long as its method that makes this; counting references took as long as a digit each.
  unowned(unsafe) let output: ByteOutput

  mutating func write(_ text: String) {
    output.append(text)
  }

  /// What the standard library calls with digits; should it cease to, the text comes as a string.
  // swift-format-ignore: NoLeadingUnderscores
  mutating func _writeASCII(_ text: UnsafeBufferPointer<UInt8>) {
    output.append(UnsafeRawBufferPointer(text))
  }
}
