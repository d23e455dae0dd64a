internal import Glibc

/// Memory that grows while it is filled and is used again when it is empty.
struct GrowingMemory: ~Copyable {
  private var memory: UnsafeMutableRawPointer?
  private(set) var capacity = 0
  private(set) var used = 0

  /// What is appended begins at cache lines, so that statistics read whole ones.
  private static let alignment = 64
  /// Large memory is asked for in huge pages: a page fault for each 4 KiB costs more than the copy.
  private static let hugePage = 2 << 20

  deinit {
    memory?.deallocate()
  }

  /// Makes room for `byteCount` more bytes.
  mutating func reserve(_ byteCount: Int) {
    let needed = used + Self.padded(byteCount)
    guard needed > capacity else { return }
    let grown = Self.allocate(needed)
    if let memory {
      grown.copyMemory(from: memory, byteCount: used)
      memory.deallocate()
    }
    memory = grown
    capacity = needed
  }

  /// Copies `bytes` to the end and returns where they begin.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
    append(upTo: bytes.count) { room in
      if let source = bytes.baseAddress { room.copyMemory(from: source, byteCount: bytes.count) }
      return bytes.count
    }
  }

  /// Lets `write` write at most `byteCount` bytes to the end, and returns where they begin; `write` returns
  /// how many they are, and is not called for none.
  @inline(__always)
  mutating func append(upTo byteCount: Int, _ write: (UnsafeMutableRawPointer) -> Int) -> Int {
    let offset = used
    let room = Self.padded(byteCount)
    if used + room > capacity { reserve(max(room, used)) }
    if byteCount > 0, let memory { used += Self.padded(write(memory + offset)) }
    return offset
  }

  /// Forgets what was appended from an offset on, and keeps the memory.
  mutating func cut(at offset: Int) {
    used = offset
  }

  /// What was appended at an offset; valid until more is appended.
  func bytes(at offset: Int, count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory.map { $0 + offset }, count: count)
  }

  private static func padded(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) & ~(alignment - 1)
  }

  private static func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    guard byteCount >= hugePage else {
      return .allocate(byteCount: byteCount, alignment: alignment)
    }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: hugePage)
    #if os(Linux)
    // Where the kernel does not want to, small pages do.
    madvise(memory, byteCount, MADV_HUGEPAGE)
    #endif
    return memory
  }
}
