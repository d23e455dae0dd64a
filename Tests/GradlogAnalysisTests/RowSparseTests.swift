import Foundation
import GRDB
import Gradlog
import GradlogAnalysis
import Testing

/// Gradients of which only rows are in the file.
@Suite final class RowSparseTests {
  private let folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
  private var path: String { folder + "/runs.db" }

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try GradientRecorder.record(to: path, run: "r") { recorder in
      recorder.record(epoch: 0, batch: 0) {
        $0.add("table", rows: [1, 2, 3, 4] as [Float], at: [3, 1], shape: [5, 2])
      }
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func damage(_ sql: String) throws {
    let queue = try DatabaseQueue(path: path)
    try queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  private func faults() throws -> [String] {
    var lines: [String] = []
    let summary = try Recording(path: path).verify { lines.append("\($0)") }
    #expect(summary.gradients == 1)
    return lines
  }

  private func shown(_ format: GradientFormat) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try Recording(path: path).gradient(at: GradientAddress())
      .write(as: format, to: ByteOutput { bytes += Array($0) })
    return bytes
  }

  @Test func theyAreShownAndExportedWithTheirZeros() throws {
    let text = String(decoding: try shown(.text), as: UTF8.self)
    #expect(text.contains("[[0. 0.]\n [3. 4.]\n [0. 0.]\n [1. 2.]\n [0. 0.]]"))
    #expect(text.contains("zero_count              6"))
    let elements = try shown(.npy).suffix(40).map { $0 }
    #expect(
      elements.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == [
        0, 0, 3, 4, 0, 0, 1, 2, 0, 0,
      ])
    let values = try exported(Recording(path: path), .values)
    #expect(values.split(whereSeparator: \.isNewline).count == 11)
    #expect(values.contains(",2,3.0"))
  }

  @Test func aSoundFileIsFoundSound() throws {
    #expect(try faults() == [])
  }

  private static let place = "run 'r', epoch 0, batch 0, weight 'table': "
  /// Two indices, then two rows of two elements.
  private static let first = "01000000000000000300000000000000"

  @Test(
    arguments: [
      ("x'00'", "values: \(place)values_blob has no such rows: 1 bytes are not rows"),
      (
        "x'03000000000000000100000000000000' || substr(values_blob, 17)",
        "values: \(place)values_blob has no such rows: row 1 follows on row 3"
      ),
      (
        "x'01000000000000000100000000000000' || substr(values_blob, 17)",
        "values: \(place)values_blob has no such rows: row 1 follows on row 1"
      ),
      (
        "x'01000000000000000500000000000000' || substr(values_blob, 17)",
        "values: \(place)values_blob has no such rows: row 5 follows on row 1"
      ),
      (
        "x'FFFFFFFFFFFFFFFF0100000000000000' || substr(values_blob, 17)",
        "values: \(place)values_blob has no such rows: row -1 follows on row -1"
      ),
      (
        "x'\(first)' || zeroblob(16)", "statistics: \(place)zero_count is 6, the values give 10"
      ),
      ("'text'", "values: \(place)values_blob is of type text"),
    ])
  func damageIsTold(_ blob: String, _ sentence: String) throws {
    try damage("UPDATE gradient_values SET values_blob = CAST(\(blob) AS BLOB)")
    if blob == "'text'" { try damage("UPDATE gradient_values SET values_blob = 'text'") }
    let faults = try faults()
    #expect(faults.count == 1)
    #expect(faults.first?.hasPrefix(sentence) ?? false, "\(faults)")
    guard sentence.hasPrefix("values"), blob != "'text'" else { return }
    let error = #expect(throws: GradlogError.self) { try shown(.csv) }
    #expect(error?.code == .notAGradlogFile)
    #expect(throws: GradlogError.self) { try exported(Recording(path: path), .values) }
  }

  @Test(arguments: ["[]", "[-1,2]", "text", "[4611686018427387904,4]", "[4611686018427387904,0]"])
  func aShapeThatCannotBeIsTold(_ shape: String) throws {
    try damage("UPDATE weights SET shape = '\(shape)'")
    #expect(throws: GradlogError.self) { try shown(.csv) }
    #expect(try !faults().isEmpty)
  }

  @Test func whatIsTooLargeAsAWholeIsRefused() throws {
    try damage(
      "UPDATE weights SET shape = '[1099511627776,2]', element_count = 2199023255552")
    let error = #expect(throws: GradlogError.self) { try shown(.csv) }
    #expect(
      error?.description
        == "a gradient of shape [1099511627776, 2] has more than 4 GiB with its zeros; "
        + "read its rows from values_blob")
  }
}
