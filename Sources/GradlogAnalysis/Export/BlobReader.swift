internal import GRDB
internal import GRDBSQLite
internal import Gradlog

/// Reads `values_blob` piece by piece, so that a tensor never has to fit into memory.
final class BlobReader {
  /// A multiple of the size of every element type, and of SQLite's pages.
  private static let pieceSize = 256 * 1024

  private let connection: OpaquePointer
  private var handle: OpaquePointer?
  private let piece = UnsafeMutableRawBufferPointer.allocate(
    byteCount: BlobReader.pieceSize, alignment: 8)

  init(_ db: Database) throws {
    guard let connection = db.sqliteConnection else {
      throw GradlogError(.misuse, "the file has been closed", remedy: "open it again")
    }
    self.connection = connection
  }

  deinit {
    sqlite3_blob_close(handle)
    piece.deallocate()
  }

  /// Hands over the bytes of one gradient in order, in pieces that hold whole elements.
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
