import Foundation
import GRDB
import Gradlog
import Testing

/// What a run of the command gave.
struct Outcome: Equatable {
  var code: Int32
  var output: String
  var talk: String
}

/// An invocation that must fail, with its exit code and what is said.
struct Mistake: CustomTestStringConvertible, Sendable {
  let arguments: [String]
  let code: Int32
  let sentence: String
  var testDescription: String { arguments.joined(separator: " ") }

  init(_ code: Int32, _ arguments: String..., says sentence: String) {
    self.arguments = arguments
    self.code = code
    self.sentence = sentence
  }
}

/// A folder with a recording, in which the built command is run.
final class Workplace {
  let folder: String

  /// `runs.db` holds the run `digits`: two epochs of two batches, three weights.
  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try record("runs.db", Self.digits)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  func record(_ name: String, _ sql: String) throws {
    let queue = try DatabaseFile.openForRecording(folder + "/" + name)
    try queue.write { try $0.execute(sql: sql) }
    try DatabaseFile.finish(queue)
  }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
  }

  func read(_ name: String) throws -> String {
    try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
  }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
  }

  /// Runs the command in the folder.
  ///
  /// Output and talk go through files, so that neither can fill a pipe that nobody reads.
  func gradlog(_ arguments: String..., input: String = "") throws -> Outcome {
    try gradlog(arguments: arguments, input: input)
  }

  /// Runs the command in the folder.
  func gradlog(arguments: [String], input: String = "") throws -> Outcome {
    try run("exec \"$0\" \"$@\" <.in >.out 2>.err", arguments, input: input)
  }

  /// Runs a line of the shell, in which `"$0"` is the command.
  func shell(_ line: String) throws -> Outcome {
    try run("{ \(line) ; } <.in >.out 2>.err", [], input: "")
  }

  /// Runs a Python script of this folder with the second readers that the tests are given.
  func python(_ script: String, _ arguments: String...) throws -> Outcome {
    let path = script.hasPrefix("/") ? script : Self.sources + "/" + script
    return try run(
      "exec \"$1\" \"${@:2}\" <.in >.out 2>.err", [Self.pythonCommand, path] + arguments,
      input: "")
  }

  /// Whether Python has numpy.
  static let hasNumpy: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [pythonCommand, "-c", "import numpy"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  private static let pythonCommand =
    ProcessInfo.processInfo.environment["GRADLOG_TEST_PYTHON"] ?? "python3"

  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path

  /// The root of the repository.
  static let repository = URL(fileURLWithPath: sources).deletingLastPathComponent()
    .deletingLastPathComponent().path

  private func run(_ script: String, _ arguments: [String], input: String) throws -> Outcome {
    try write(".in", input)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script, Self.command] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // What is set for the person who runs the tests must not change what they see.
    var environment = ProcessInfo.processInfo.environment
    for name in ["GRADLOG_DB", "NO_COLOR", "COLUMNS"] { environment[name] = nil }
    process.environment = environment
    try process.run()
    process.waitUntilExit()
    let outcome = Outcome(
      code: process.terminationStatus, output: try read(".out"), talk: try read(".err"))
    for name in [".in", ".out", ".err"] {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
    return outcome
  }

  /// The command that $GRADLOG_TEST_COMMAND names, an optimized build; nil when it is not set.
  static let optimizedCommand = ProcessInfo.processInfo.environment["GRADLOG_TEST_COMMAND"]

  /// Without an optimized one, the command that lies beside the bundle of the tests.
  private static let command: String = {
    if let optimizedCommand { return optimizedCommand }
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent("gradlog").path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return "gradlog-was-not-built"
  }()

  private static let digits: String = {
    var sql = """
      INSERT INTO runs (name, stage, started_at, finished_at, framework)
        VALUES ('digits', 'raw', 1732345678.25, 1732345700.5, 'gradlog');
      INSERT INTO weights (run_id, position, name, dtype, shape, element_count) VALUES
        (1, 0, 'dense_0/kernel', 'float32', '[2,3]', 6), (1, 1, 'dense_0/bias', 'float32', '[3]', 3),
        (1, 2, '=dense_1/kernel', 'float32', '[3,1]', 3);
      """
    for batch in 0..<4 {
      sql += """
        INSERT INTO batches (run_id, epoch, batch, step, loss, learning_rate, recorded_at,
          first_gradient_id, gradient_count)
          VALUES (1, \(batch / 2), \(batch % 2), \(batch), \(1 / Double(batch + 1)), 0.01, 1732345679,
            \(batch * 3 + 1), 3);
        """
      for weight in 1...3 {
        let key = batch * 3 + weight
        // 1, 2, 3 … as float32; the first weight has six elements, the others three.
        let values = "0000803f0000004000004040" + (weight == 1 ? "000080400000a0400000c040" : "")
        sql += """
          INSERT INTO gradient_statistics (gradient_id, batch_id, weight_id, zero_count, nan_count,
            posinf_count, neginf_count, sum, sum_abs, sum_squares, norm, rms, std, min, max, abs_p1,
            abs_p5, abs_p25, abs_median, abs_p75, abs_p95, abs_p99, float16_underflow_count,
            bfloat16_underflow_count, float8_e4m3_underflow_count, float8_e5m2_underflow_count,
            exponents_blob)
            VALUES (\(key), \(batch + 1), \(weight), 0, 0, 0, 0, 6, 6, 14, \(Double(key) / 4), 2, 0.5,
              1, 3, 1, 1, 1, 2, 3, 3, 3, 0, 0, 0, 0, x'CC080102');
          INSERT INTO gradient_values VALUES (\(key), 'dense', x'\(values)');
          """
      }
    }
    return sql
  }()
}
