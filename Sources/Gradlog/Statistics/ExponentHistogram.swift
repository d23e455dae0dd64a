/// How many finite non-zero elements lie in each binade: bin e holds those with 2^e ≤ |g| < 2^(e+1).
///
/// Subnormals are in the bin of their true exponent. Quantiles follow from it: the bin of a quantile
/// is known, and what is reported lies in the same bin as the exact value, so each is less than
/// twice the other. Histograms of ranks or batches merge by adding bins.
public struct ExponentHistogram: Sendable, Equatable {
  /// The exponent of the first bin; meaningless when ``counts`` is empty.
  public let lowestExponent: Int

  /// Elements in each bin from ``lowestExponent`` upwards; the first and last are not 0.
  public let counts: [Int]

  /// Exponents of a float64: −1074 for the smallest subnormal, 1023 for the largest number.
  static let exponents = -1074...1023

  /// What is added to an exponent in `exponents_blob`, so that the first number is never negative.
  static let exponentBias = 1100

  /// Reads an `exponents_blob` (docs/FileFormat.md): unsigned LEB128 numbers.
  ///
  /// - Throws: ``GradlogError`` with code `invalidData` when the bytes are not such a histogram.
  public init(blob: some Sequence<UInt8>) throws(GradlogError) {
    var numbers: [Int] = []
    var value = 0
    var shift = 0
    for byte in blob {
      guard shift < 63 else { throw Self.damaged }
      value |= Int(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 {
        numbers.append(value)
        (value, shift) = (0, 0)
      }
    }
    let lowest = (numbers.first ?? 0) - Self.exponentBias
    guard
      shift == 0, numbers.count != 1,
      numbers.isEmpty || Self.exponents ~= lowest && Self.exponents ~= lowest + numbers.count - 2
    else { throw Self.damaged }
    lowestExponent = lowest
    counts = Array(numbers.dropFirst())
  }

  private static var damaged: GradlogError {
    GradlogError(
      .invalidData, "an exponents_blob is not an exponent histogram",
      remedy: "compare it with docs/FileFormat.md; the file may be damaged")
  }
}

/// Writes the numbers of an `exponents_blob` into a buffer that is used again for each gradient.
struct ExponentEncoder: ~Copyable {
  /// The bytes written since the last ``reset()``.
  private(set) var count = 0

  private let bytes: UnsafeMutablePointer<UInt8>

  /// The longest blob: each number takes at most ten bytes.
  private static let capacity = (ExponentHistogram.exponents.count + 1) * 10

  init() {
    bytes = .allocate(capacity: Self.capacity)
  }

  deinit {
    bytes.deallocate()
  }

  /// The blob, valid until the next ``reset()``.
  var blob: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: count) }

  mutating func reset() {
    count = 0
  }

  mutating func append(_ number: Int) {
    var rest = UInt(bitPattern: number)
    while rest >= 0x80 {
      bytes[count] = UInt8(truncatingIfNeeded: rest) | 0x80
      count += 1
      rest >>= 7
    }
    bytes[count] = UInt8(truncatingIfNeeded: rest)
    count += 1
  }
}
