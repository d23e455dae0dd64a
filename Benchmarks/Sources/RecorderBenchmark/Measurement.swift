import Foundation

/// One measured case, printed as one line of JSON for the driver to collect.
struct Measurement: Encodable {
  let name: String
  let stream: String
  /// What the case was measured on, which may be less than the whole stream.
  let batches: Int
  /// Time on the training thread per batch.
  var medianMicroseconds = 0.0
  var p99Microseconds = 0.0
  /// From the first batch until everything is closed and on the disk.
  var durableSeconds = 0.0
  /// Of all threads until then.
  var cpuSeconds = 0.0
  /// Most memory above what there was before the first batch.
  var peakBytes = 0
  var diskBytes = 0
  /// What the computation between the batches takes without a recorder.
  var computeSeconds: Double?

  func print() throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = .sortedKeys
    Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
  }
}

/// What a process has used between two points.
struct Meter {
  private let memory: Int
  private let cpu: Double
  private let clock: UInt64

  /// Begins to count. The kernel forgets the highest memory use so far, so that what it took to
  /// prepare does not hide what is measured.
  init() throws {
    try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .ascii)
    memory = try Self.status("VmRSS")
    cpu = Self.cpuSeconds()
    clock = nanoseconds()
  }

  /// Writes what was used since the beginning into `measurement`.
  func read(into measurement: inout Measurement, batchTimes: [UInt64]) throws {
    measurement.durableSeconds = Double(nanoseconds() - clock) * 1e-9
    measurement.cpuSeconds = Self.cpuSeconds() - cpu
    measurement.peakBytes = max(0, try Self.status("VmHWM") - memory)
    let sorted = batchTimes.sorted()
    guard !sorted.isEmpty else { return }
    measurement.medianMicroseconds = Double(sorted[sorted.count / 2]) * 1e-3
    measurement.p99Microseconds = Double(sorted[(sorted.count - 1) * 99 / 100]) * 1e-3
  }

  /// A number of kilobytes in /proc/self/status, in bytes.
  private static func status(_ key: String) throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    for line in status.split(separator: "\n") where line.hasPrefix("\(key):") {
      let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first
      if let kilobytes = kilobytes.flatMap({ Int($0) }) { return kilobytes << 10 }
    }
    throw BenchmarkFailure("/proc/self/status does not say \(key)")
  }

  private static func cpuSeconds() -> Double {
    Double(nanoseconds(of: CLOCK_PROCESS_CPUTIME_ID)) * 1e-9
  }
}

/// A clock that never goes back.
func nanoseconds(of clock: clockid_t = CLOCK_MONOTONIC) -> UInt64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Waits until a file is on the disk, and returns its size.
func makeDurable(_ path: String) throws -> Int {
  let file = open(path, O_RDONLY)
  guard file >= 0, fdatasync(file) == 0 else {
    throw BenchmarkFailure("\(path): \(String(cString: strerror(errno)))")
  }
  defer { close(file) }
  return Int(lseek(file, 0, SEEK_END))
}
