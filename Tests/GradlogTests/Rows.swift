import Foundation
import GRDB

/// Reads a recording with nothing of gradlog but the file.
func rows(_ path: String, _ sql: String) throws -> [[String]] {
  let queue = try DatabaseQueue(path: path)
  defer { try? queue.close() }
  return try queue.read { db in
    try Row.fetchAll(db, sql: sql).map { row in
      row.databaseValues.map { value in
        switch value.storage {
        case .null: "NULL"
        case .int64(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        case .blob(let data): data.map { String(format: "%02x", $0) }.joined()
        }
      }
    }
  }
}
