internal import GRDB
internal import GRDBSQLite
internal import Gradlog

/// Reads `values_blob` without SQLite's own copy of it.
final class BlobReader {
  /// A multiple of the size of every element type, and of SQLite's pages.
  private static let pieceSize = 256 * 1024

  private let connection: OpaquePointer
  private var handle: OpaquePointer?
  private let piece = UnsafeMutableRawBufferPointer.allocate(
    byteCount: BlobReader.pieceSize, alignment: 8)

  private var whole = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 8)

  init(_ db: Database) throws {
    guard let connection = db.sqliteConnection else {
      throw GradlogError(.misuse, "the file has been closed", remedy: "open it again")
    }
    self.connection = connection
  }

  deinit {
    sqlite3_blob_close(handle)
    piece.deallocate()
    whole.deallocate()
  }

  /// Hands over the bytes of one gradient in order, in pieces that hold whole elements, so that the
  /// tensor need not fit into memory.
  func read(gradient: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    try open(gradient)
    let size = Int(sqlite3_blob_bytes(handle))
    var offset = 0
    while offset < size {
      let count = min(piece.count, size - offset)
      try check(sqlite3_blob_read(handle, piece.baseAddress, Int32(count), Int32(offset)))
      try body(UnsafeRawBufferPointer(rebasing: piece[..<count]))
      offset += count
    }
  }

  /// The bytes of one gradient, of which there are `byteCount`; valid until the next call.
  ///
  /// The memory of the largest one is kept.
  func readWhole(gradient: Int64, byteCount: Int) throws -> UnsafeRawBufferPointer {
    try open(gradient)
    if whole.count < byteCount {
      whole.deallocate()
      whole = .allocate(byteCount: byteCount, alignment: 8)
    }
    do {
      try check(sqlite3_blob_read(handle, whole.baseAddress, Int32(byteCount), 0))
    } catch {
      // A handle that has failed once fails for every gradient that follows.
      sqlite3_blob_close(handle)
      handle = nil
      throw error
    }
    return UnsafeRawBufferPointer(rebasing: whole[..<byteCount])
  }

  /// All bytes of one gradient; valid until the next call.
  func readWhole(gradient: Int64) throws -> UnsafeRawBufferPointer {
    try open(gradient)
    return try readWhole(gradient: gradient, byteCount: Int(sqlite3_blob_bytes(handle)))
  }

  private func open(_ gradient: Int64) throws {
    if handle != nil {
      try check(sqlite3_blob_reopen(handle, gradient))
    } else {
      try check(
        sqlite3_blob_open(
          connection, "main", "gradient_values", "values_blob", gradient, 0, &handle))
    }
  }

  private func check(_ code: Int32) throws {
    guard code == SQLITE_OK else {
      throw DatabaseError(
        resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(connection))
      )
    }
  }
}
