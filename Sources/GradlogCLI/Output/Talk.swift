internal import Foundation

/// What is said to the person, on stderr.
enum Talk {
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  /// Says a sentence.
  static func say(_ sentence: String) {
    write(sentence + "\n")
  }

  /// Writes text as it is; a control character that came from a file is spelled out.
  static func write(_ text: String) {
    var rest = Substring(
      String(String.UnicodeScalarView(text.unicodeScalars.map { isUnsafe($0) ? "\u{FFFD}" : $0 }))
    ).utf8
    while !rest.isEmpty {
      let written = rest.withContiguousStorageIfAvailable { bytes in
        Foundation.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
      }
      // There is nobody left to tell that stderr fails.
      guard let written, written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }

  private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 && scalar != "\n" && scalar != "\r" || (0x7F..<0xA0).contains(scalar.value)
  }
}
