internal import Foundation

/// Where a callback writes its text.
public struct TextSink {
  /// Whether a person watches it, so that a line may be rewritten.
  public let isTerminal: Bool

  /// How many characters a line of the terminal holds.
  let columns: Int

  private let write: (String) -> Void

  /// Makes a sink of a function, for tests say.
  public init(
    isTerminal: Bool = false, columns: Int = 80, _ write: @escaping (String) -> Void
  ) {
    self.isTerminal = isTerminal
    self.columns = max(columns, 2)
    self.write = write
  }

  /// The standard output of the process.
  public static var standardOutput: TextSink { TextSink(descriptor: 1) }

  /// The standard error of the process.
  public static var standardError: TextSink { TextSink(descriptor: 2) }

  /// Writes a text as it is; what the system cannot take, such as to a closed pipe, is dropped.
  func callAsFunction(_ text: String) {
    write(text)
  }

  private init(descriptor: Int32) {
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    self.init(isTerminal: isatty(descriptor) == 1, columns: isKnown ? Int(size.ws_col) : 80) {
      text in
      // Printing must not end a training run.
      try? handle.write(contentsOf: Data(text.utf8))
    }
  }
}
