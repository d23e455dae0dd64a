import Foundation
import GRDB
import Testing

/// A C program that knows gradlog.h and the built library, and nothing else.
@Suite struct CInterfaceTests {
  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let include =
    sources.deletingLastPathComponent().deletingLastPathComponent().path
    + "/Sources/CGradlog/include"

  /// What $GRADLOG_TEST_LIBRARY names, else what lies beside the bundle of the tests.
  private static let library: String? = {
    if let given = ProcessInfo.processInfo.environment["GRADLOG_TEST_LIBRARY"] { return given }
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent("libgradlog-c.so").path
      if FileManager.default.fileExists(atPath: candidate) { return candidate }
      folder.deleteLastPathComponent()
    }
    return nil
  }()

  private let folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func run(_ program: String, _ arguments: [String]) throws -> (code: Int32, output: String)
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test(arguments: [["-x", "c", "-std=c99"], ["-x", "c++", "-std=c++11"]])
  func theHeaderIsPlain(_ language: [String]) throws {
    let file = folder + "/header"
    try Data("#include \"gradlog.h\"\n".utf8).write(to: URL(fileURLWithPath: file))
    let strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    #expect(try run("cc", language + strict + ["-I", Self.include, file]).code == 0)
  }

  @Test func aProgramRecordsAndIsToldWhatFailed() throws {
    let library = try #require(Self.library, "the product gradlog-c was not built")
    let libraryFolder = URL(fileURLWithPath: library).deletingLastPathComponent().path
    let compilation = try run(
      "cc",
      [
        "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I",
        Self.include, Self.sources.path + "/record.c", library, "-Wl,-rpath," + libraryFolder,
        "-o", folder + "/record",
      ])
    try #require(compilation.code == 0)
    let (code, output) = try run(folder + "/record", [folder + "/runs.db"])
    #expect(code == 0)
    #expect(output == Self.expectedOutput)
    #expect(try rows() == Self.expectedRows)
    #expect(try strings("SELECT name FROM weights WHERE frozen") == ["fixed"])
    #expect(
      try strings("SELECT name || initial_norm FROM weights WHERE initial_norm IS NOT NULL")
        == ["contiguous9.5"])
    try FileManager.default.removeItem(atPath: folder)
  }

  private static let columns = [
    "epoch", "batch", "step", "optimizer", "call", "loss", "loss_is_nan", "learning_rate", "weight",
    "dtype", "shape", "absent", "zero_count", "encoding", "hex(values_blob)",
  ]

  /// Reads with SQLite alone.
  private func rows() throws -> [String] {
    try strings(
      """
      SELECT \(Self.columns.map { "coalesce(\($0), '-')" }.joined(separator: " || '|' || "))
      FROM gradients
      """)
  }

  private func strings(_ sql: String) throws -> [String] {
    let queue = try DatabaseQueue(path: folder + "/runs.db")
    defer { try? queue.close() }
    return try queue.read { try String.fetchAll($0, sql: sql) }
  }

  private static let expectedOutput = """
    stage: 1 stage "final" is not known; pass one of applied, raw
    later: 1 gradlog_options has members that this library does not know; use the library that the header belongs to
    folder: 3 there is no folder '/there/is/no/such/folder' for '/there/is/no/such/folder/runs.db'; create it with: mkdir -p '/there/is/no/such/folder'
    open: 0
    resumed 0
    norm: 0
    no norm: 0
    norm of nothing: 1 the name of a weight is NULL; pass a string
    forms: 0
    begin: 0
    add: 0
    begin: 0
    add: 0
    end: 0
    dtype: 2 weight "w": dtype 9 is not a type that gradients have; pass GRADLOG_FLOAT16, GRADLOG_BFLOAT16, GRADLOG_FLOAT32 or GRADLOG_FLOAT64
    data: 2 weight "w": a tensor of shape [2, 3] has no data; pass the address of its first element
    name: 1 the name of a weight is not UTF-8: "�"; pass UTF-8
    epoch: 1 epoch -1, batch 0, call 0, step 0 is not a place in a training; count from 0
    size: 1 gradlog_batch_context has the size 0; set its size to sizeof
    recorder: 1 the recorder is NULL; pass the address of one
    begin: 0
    add: 1 the name of a weight is not UTF-8: "�"; pass UTF-8
    end: 1 the name of a weight is not UTF-8: "�"; pass UTF-8
    trouble: 0
    trouble: 0
    trouble: 0
    stopped early: 0
    nonfinite critical half 0 0 1
    called 1, counted 2, same 1, beyond 1
    forked add: 9 the recorder was opened in another process, before fork(); open a recorder in the process that trains
    forked end: 9 the recorder was opened in another process, before fork(); open a recorder in the process that trains
    forked: 9 the recorder was opened in another process, before fork(); open a recorder in the process that trains
    forked norm: 9 the recorder was opened in another process, before fork(); open a recorder in the process that trains
    forked close: 9 the recorder was opened in another process, before fork(); open a recorder in the process that trains
    add: 0
    end: 0
    losses: 2 weight "w": dtype 9 is not a type that gradients have; pass GRADLOG_FLOAT16, GRADLOG_BFLOAT16, GRADLOG_FLOAT32 or GRADLOG_FLOAT64
    lost 5 0
    close: 2 not in the file: 5 batches; weight "w": dtype 9 is not a type that gradients have; pass GRADLOG_FLOAT16, GRADLOG_BFLOAT16, GRADLOG_FLOAT32 or GRADLOG_FLOAT64
    close again: 0
    begin: 9 a batch came after the recorder was closed; close the recorder when the training has ended
    add: 1 the batch is NULL; pass the address of one
    begin: 9 a batch came after the recorder was closed; close the recorder when the training has ended
    add: 1 the batch is NULL; pass the address of one
    end: 1 the batch is NULL; pass the address of one
    earlier: 0
    resumed 1 4 0
    interrupted: 0

    """

  private static let expectedRows = [
    "0|0|0||0|0.5|0|0.01|contiguous|float32|[2,3]|0|1|dense|0000803F0000004000004040000080400000A04000000080",
    "0|0|0||0|0.5|0|0.01|transposed|float32|[3,2]|0|1|dense|0000803F00008040000000400000A0400000404000000080",
    "0|0|0||0|0.5|0|0.01|backwards|float32|[2,3]|0|1|dense|000000800000A0400000804000004040000000400000803F",
    "0|0|0||0|0.5|0|0.01|repeated|float32|[2,3]|0|0|dense|0000803F00000040000040400000803F0000004000004040",
    "0|0|0||0|0.5|0|0.01|half|float16|[3]|0|0|dense|003C0100017E",
    "0|0|0||0|0.5|0|0.01|brain|bfloat16|[3]|0|0|dense|003C0100017E",
    "0|0|0||0|0.5|0|0.01|scalar|float64|[]|0|0|dense|0100000000000000",
    "0|0|0||0|0.5|0|0.01|empty|float32|[0,4]|0|0|dense|",
    "0|0|0||0|0.5|0|0.01|rows|float32|[5,2]|0|6|rows|0100000000000000040000000000000000004040000080400000C04000000040",
    "0|0|0||0|0.5|0|0.01|größe|-|-|1|-|-|",
    "0|0|0||0|0.5|0|0.01|fixed|-|-|1|-|-|",
    "1|0|7|adam|2|-|0|-|contiguous|float32|[2,3]|0|1|dense|0000803F0000004000004040000080400000A04000000080",
    "3|0|13||0|-|1|-|sick|float64|[3]|0|0|dense|000000000000F03F000000000000F07F000000000000F8FF",
    "3|1|14||0|-|1|-|sick|float64|[3]|0|0|dense|000000000000F03F000000000000F07F000000000000F8FF",
    "3|2|15||0|-|1|-|sick|float64|[3]|0|0|dense|000000000000F03F000000000000F07F000000000000F8FF",
    "4|0|16||0|-|0|-|sick|float64|[3]|1|-|-|",
  ]
}
