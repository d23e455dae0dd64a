import Foundation
import GRDB
import Glibc
import Testing

/// How hard the faults are tried: the short form of `scripts/test`, the long one of `scripts/soak`.
enum Effort {
  static let isSoak = ProcessInfo.processInfo.environment["GRADLOG_SOAK"] != nil

  static func pick(short: Int, soak: Int) -> Int { isSoak ? soak : short }

  /// One line for a fault that was survived, in the long form.
  static func report(_ line: String) {
    guard isSoak else { return }
    FileHandle.standardError.write(Data("survived: \(line)\n".utf8))
  }
}

/// A folder of its own for one test, removed with it.
final class ScratchFolder {
  let path: String
  private var mounts: [String] = []

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    // Lazy: something may still look into it.
    for mount in mounts { umount2(mount, Int32(MNT_DETACH)) }
    try? FileManager.default.removeItem(atPath: path)
  }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }

  static let canMount: Bool = {
    guard let folder = try? ScratchFolder() else { return false }
    return (try? folder.mountSmallDisk(megabytes: 1)) != nil
  }()

  /// A disk of its own in this folder.
  func mountSmallDisk(megabytes: Int) throws -> String {
    let disk = path + "/disk\(mounts.count)"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    guard mount("tmpfs", disk, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
      throw CocoaError(.fileWriteNoPermission)
    }
    mounts.append(disk)
    return disk
  }

  /// Makes a disk read-only.
  func freeze(_ disk: String) throws {
    guard mount("tmpfs", disk, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else {
      throw CocoaError(.fileWriteNoPermission)
    }
  }
}

/// A built program that runs beside the test.
final class Child {
  private let process = Process()
  private let folder: String
  private var kept: ScratchFolder?

  /// Starts a program that lies beside the bundle of the tests, or anywhere when the name is a path.
  init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    folder = FileManager.default.temporaryDirectory.path + "/gradlog-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    process.executableURL = URL(
      fileURLWithPath: program.hasPrefix("/") ? program : Self.built(program))
    process.arguments = arguments
    var all = ProcessInfo.processInfo.environment
    for name in ["GRADLOG_DB", "NO_COLOR", "COLUMNS"] { all[name] = nil }
    process.environment = all.merging(environment) { $1 }
    // Through files, so that no pipe can fill.
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try handle("out")
    process.standardError = try handle("err")
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(atPath: folder)
  }

  var output: String { text("out") }
  var talk: String { text("err") }
  var isRunning: Bool { process.isRunning }

  /// The lines of the output that begin with a word, without it.
  func lines(_ word: String) -> [String] {
    output.split(separator: "\n").filter { $0.hasPrefix(word + " ") }
      .map { String($0.dropFirst(word.count + 1)) }
  }

  /// Keeps the folder that it works in as long as it lives.
  func keep(_ folder: ScratchFolder) { kept = folder }

  func send(_ signal: Int32) {
    kill(process.processIdentifier, signal)
  }

  /// Waits for the end; a process that a signal ended gives the negative of its number.
  @discardableResult func wait(atMost seconds: Double = 120) -> Int32 {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while process.isRunning, Date() < deadline { usleep(2_000) }
    if process.isRunning {
      Issue.record("\(process.arguments ?? []) hangs; it said: \(output) \(talk)")
      kill(process.processIdentifier, SIGKILL)
      // Not its end: Foundation would wait for the children that it leaves.
      return -SIGKILL
    }
    process.waitUntilExit()
    let status = process.terminationStatus
    return process.terminationReason == .exit ? status : -status
  }

  /// Waits until it has said something on stdout.
  func waitForOutput(_ text: String, atMost seconds: Double = 60) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !output.contains(text), isRunning, Date() < deadline { usleep(2_000) }
    if !output.contains(text) { Issue.record("never said \(text): \(output) \(talk)") }
  }

  private func handle(_ name: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: folder + "/" + name))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: folder + "/" + name))
  }

  private func text(_ name: String) -> String {
    (try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)) ?? ""
  }

  private static func built(_ name: String) -> String {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent(name).path
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder),
        !isFolder.boolValue
      {
        return candidate
      }
      folder.deleteLastPathComponent()
    }
    return "/\(name)-was-not-built"
  }
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: String...) throws -> (
  code: Int32, output: String, talk: String
) {
  let child = try Child(program, arguments)
  return (child.wait(), child.output, child.talk)
}
