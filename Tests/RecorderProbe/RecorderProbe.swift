internal import Foundation
internal import Glibc
internal import Gradlog

/// A process that records, for tests that kill, starve or fork it.
///
///     RecorderProbe record runs.db some-run batches=100 floats=1000 flush=7
///     RecorderProbe fork runs.db
@main
enum RecorderProbe {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch arguments.first {
      case "record": try Stream(arguments.dropFirst()).record()
      case "fork": try ForkedRecorder.record(to: arguments[1])
      default: say("record or fork?")
      }
    } catch {
      say("failed: \(error)")
      exit(1)
    }
  }

  /// Says a line on stdout, at once: the process may be killed after the next instruction.
  static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDOUT_FILENO, bytes, bytes.count)
  }
}

/// Batches whose bytes follow from their place, so that a reader can tell whether they are right:
/// every element of `a` is 1000 × epoch + batch, and `b` is the negative of its first one.
private struct Stream {
  let path: String
  let run: String
  private let settings: [String: Int]

  init(_ arguments: ArraySlice<String>) throws {
    let places = arguments.filter { !$0.contains("=") }
    guard places.count == 2 else {
      throw GradlogError(.misuse, "a file and a run are needed", remedy: "name them")
    }
    (path, run) = (places[0], places[1])
    settings = Dictionary(
      arguments.compactMap { argument in
        let parts = argument.split(separator: "=")
        return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
      }, uniquingKeysWith: { $1 })
  }

  private func setting(_ name: String, _ otherwise: Int) -> Int { settings[name] ?? otherwise }

  /// Records until `batches` are recorded, or for ever; says each batch that `flush` made durable.
  func record() throws {
    var options = GradientRecorder.Options()
    options.memoryLimit = setting("memory", options.memoryLimit)
    options.overflow = setting("drop", 0) == 1 ? .drop : .wait
    let recorder = try GradientRecorder(path: path, run: run, options: options)
    let epoch = (recorder.resumedAfter?.epoch ?? -1) + 1
    let flushEvery = setting("flush", 0)
    RecorderProbe.say("begin \(epoch)")
    for batch in 0..<setting("batches", .max) {
      let value = Float(1000 * epoch + batch)
      let values = [Float](repeating: value, count: setting("floats", 100))
      recorder.record(epoch: epoch, batch: batch) {
        $0.add("a", values, shape: [values.count])
        $0.add("b", [-value], shape: [1])
      }
      if flushEvery > 0, (batch + 1) % flushEvery == 0 {
        try recorder.flush()
        RecorderProbe.say("flushed \(epoch) \(batch)")
      }
      if let pause = settings["pause"] { usleep(UInt32(pause)) }
    }
    let end = Result { try recorder.close() }
    RecorderProbe.say("dropped \(recorder.losses.batches)")
    RecorderProbe.say("peak \(peakKilobytes)")
    try end.get()
    RecorderProbe.say("closed")
  }

  /// The most memory that this process ever had, in KiB.
  private var peakKilobytes: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
    return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
  }
}

/// A recorder on both sides of a fork.
private enum ForkedRecorder {
  static func record(to path: String) throws {
    let recorder = try GradientRecorder(path: path, run: "parent")
    func record(_ batch: Int) {
      recorder.record(epoch: 0, batch: batch) { $0.add("w", [Float(batch)], shape: [1]) }
    }
    for batch in 0..<50 { record(batch) }
    // An idle writer: the Swift runtime has locks of its own, and a thread that holds one at a fork
    // blocks any child that asks for it.
    try recorder.flush()
    usleep(20_000)
    let child = try fork()
    if child == 0 {
      // None of this may hang or write.
      for batch in 50..<55 { record(batch) }
      attempt("flush") { () throws(GradlogError) in try recorder.flush() }
      attempt("close") { () throws(GradlogError) in try recorder.close() }
      attempt("open") { () throws(GradlogError) in
        _ = try GradientRecorder(path: path, run: "child")
      }
      RecorderProbe.say("child lost \(recorder.losses.batches)")
      exit(0)
    }
    for batch in 50..<100 { record(batch) }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    for batch in 100..<150 { record(batch) }
    try recorder.close()
    RecorderProbe.say("parent closed")
  }

  private static func attempt(_ name: String, _ body: () throws(GradlogError) -> Void) {
    do throws(GradlogError) {
      try body()
      RecorderProbe.say("child \(name): succeeded")
    } catch {
      RecorderProbe.say("child " + name + ": " + error.description)
    }
  }

  /// fork(2), which Swift hides because most of a process does not survive it.
  private static func fork() throws -> pid_t {
    typealias Fork = @convention(c) () -> pid_t
    guard let symbol = dlsym(nil, "fork") else {
      throw GradlogError(.misuse, "there is no fork", remedy: "run this test elsewhere")
    }
    return unsafeBitCast(symbol, to: Fork.self)()
  }
}
