internal import CGradlog
internal import Gradlog

/// A structure of gradlog.h that begins with its size, so that an older or newer caller can be read.
protocol GrowingStructure {
  /// All zeros.
  init()
  var size: Int { get }
}

extension gradlog_options: GrowingStructure {}
extension gradlog_batch_context: GrowingStructure {}

extension GrowingStructure {
  /// Reads what a caller passed. What an older caller does not know is zero; what this library does
  /// not know must be zero.
  ///
  /// - Throws: ``GradlogError`` with code `invalidArgument`.
  init(from pointer: UnsafePointer<Self>) throws(GradlogError) {
    let known = MemoryLayout<Self>.size
    let source = UnsafeRawPointer(pointer)
    let size = source.loadUnaligned(as: Int.self)
    guard size >= MemoryLayout<Int>.size, size <= 4096 else {
      throw GradlogError(
        .invalidArgument, "\(Self.self) has the size \(size)", remedy: "set its size to sizeof")
    }
    let bytes = UnsafeRawBufferPointer(start: source, count: size)
    guard bytes.dropFirst(known).allSatisfy({ $0 == 0 }) else {
      throw GradlogError(
        .invalidArgument, "\(Self.self) has members that this library does not know",
        remedy: "use the library that the header belongs to")
    }
    self.init()
    withUnsafeMutableBytes(of: &self) {
      $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(known)))
    }
  }
}

/// The text of a C string.
///
/// - Throws: ``GradlogError`` with code `invalidArgument` when there is none or it is not UTF-8.
func text(_ string: UnsafePointer<CChar>?, _ what: String) throws(GradlogError) -> String {
  guard let string else {
    throw GradlogError(.invalidArgument, "\(what) is NULL", remedy: "pass a string")
  }
  guard let text = String(validatingCString: string) else {
    throw GradlogError(
      .invalidArgument, "\(what) is not UTF-8: \"\(String(cString: string))\"",
      remedy: "pass UTF-8")
  }
  return text
}

/// What a required pointer points to.
///
/// - Throws: ``GradlogError`` with code `invalidArgument` when it is NULL.
func given<Pointer>(_ pointer: Pointer?, _ what: String) throws(GradlogError) -> Pointer {
  guard let pointer else {
    throw GradlogError(.invalidArgument, "\(what) is NULL", remedy: "pass the address of one")
  }
  return pointer
}
