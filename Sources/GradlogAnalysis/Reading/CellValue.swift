/// One value of a row: what SQLite stores, or an element of a tensor in its own precision.
public enum CellValue: Sendable, Equatable {
  /// SQL NULL; also what SQLite makes of NaN.
  case null
  /// A 64-bit integer.
  case integer(Int64)
  /// A double; possibly infinite, never NaN when it comes from SQLite.
  case real(Double)
  /// An element of a float32 or bfloat16 tensor.
  case single(Float)
  /// An element of a float16 tensor.
  case half(Float16)
  /// Text; bytes that are not UTF-8 were replaced by U+FFFD.
  case text(String)
  /// Bytes.
  case blob([UInt8])

  /// Reads a value as it is typed on a command line: an integer, a number, `NULL`, else text.
  public init(argument: String) {
    if let integer = Int64(argument) {
      self = .integer(integer)
    } else if let real = Double(argument), !real.isNaN {
      self = .real(real)
    } else if argument.uppercased() == "NULL" {
      self = .null
    } else {
      self = .text(argument)
    }
  }

  /// Reads a value of a declared type, `TEXT`, `INTEGER` or `REAL`; nil when it is none. Without a type,
  /// or when it is `NULL`, as ``init(argument:)``.
  public init?(argument: String, type: String?) {
    self.init(argument: argument)
    switch (type, self) {
    case (_, .null), (nil, _), ("INTEGER", .integer), ("REAL", .integer), ("REAL", .real): break
    case ("TEXT", _): self = .text(argument)
    default: return nil
    }
  }

  /// The text, or nil when the value is anything else.
  public var text: String? {
    if case .text(let text) = self { text } else { nil }
  }

  /// The integer, or nil when the value is anything else.
  public var integer: Int64? {
    if case .integer(let integer) = self { integer } else { nil }
  }

  /// The number as a double, or nil when the value is not a number.
  public var real: Double? {
    switch self {
    case .integer(let integer): Double(integer)
    case .real(let real): real
    case .single(let single): Double(single)
    case .half(let half): Double(half)
    case .null, .text, .blob: nil
    }
  }
}
