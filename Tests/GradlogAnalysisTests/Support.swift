import Foundation
import GRDB
import Gradlog
import GradlogAnalysis

/// A recording in a folder of its own, removed with it.
final class ScratchRecording {
  let folder: String
  var path: String { folder + "/runs.db" }

  /// A recording of one finished run `digits` with one batch, and whatever `sql` adds.
  init(_ sql: String = "") throws {
    folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let queue = try DatabaseFile.openForRecording(path)
    try queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO runs (name, stage, started_at, finished_at) VALUES ('digits', 'raw', 1, 2);
          INSERT INTO batches (run_id, epoch, batch, step, loss, recorded_at, first_gradient_id,
            gradient_count) VALUES (1, 0, 0, 0, 0.5, 1.5, 1, 100);
          """ + sql)
    }
    try DatabaseFile.finish(queue)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func open() throws -> Recording { try Recording(path: path) }

  /// SQL that adds a weight of the run with one gradient of these values to the batch.
  static func gradient(
    _ key: Int, _ weight: String, _ dtype: String, _ shape: String, count: Int, hex: String
  ) -> String {
    """
    INSERT INTO weights (weight_id, run_id, position, name, dtype, shape, element_count)
      VALUES (\(key), 1, \(key), '\(weight)', '\(dtype)', '\(shape)', \(count));
    INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, zero_count, nan_count,
      posinf_count, neginf_count, norm, sum, sum_abs, sum_squares, exponents_blob)
      VALUES (\(key), 1, \(key), 0, 0, 0, 0, 0.5, 1, 1, 0.25, x'');
    INSERT INTO gradient_values VALUES (\(key), 'dense', x'\(hex)');
    """
  }
}

/// What a statement gives in a form.
func text(
  _ recording: Recording, _ sql: String, as format: RowFormat,
  with values: [String: CellValue] = [:]
) throws -> String {
  var bytes: [UInt8] = []
  let output = ByteOutput { bytes += Array($0) }
  var writer = format.writer(to: output)
  try recording.rows(of: sql, with: values, to: &writer)
  return String(decoding: bytes, as: UTF8.self)
}

/// What an export gives in a form.
func exported(
  _ recording: Recording, _ kind: ExportKind, as format: RowFormat = .csv,
  filter: RowFilter = RowFilter()
) throws -> String {
  var bytes: [UInt8] = []
  let output = ByteOutput { bytes += Array($0) }
  var writer = format.writer(to: output)
  try recording.export(kind, filter: filter, to: &writer)
  return String(decoding: bytes, as: UTF8.self)
}

/// Python with the modules that a test reads with, or nil when they are missing.
///
/// GRADLOG_TEST_PYTHON names the interpreter; `python3` otherwise.
func python(with modules: String...) -> String? {
  let environment = ProcessInfo.processInfo.environment["GRADLOG_TEST_PYTHON"] ?? ""
  let python = environment.isEmpty ? "python3" : environment
  let imports = modules.map { "import \($0)" }.joined(separator: "\n")
  return (try? run(python, "-c", imports))?.code == 0 ? python : nil
}

/// Runs a program and waits for it.
func run(_ program: String, _ arguments: String...) throws -> (code: Int32, output: String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}
