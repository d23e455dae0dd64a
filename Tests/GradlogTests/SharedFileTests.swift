import Foundation
import GRDB
import Testing

@testable import Gradlog

/// A recorder whose file others use as well.
@Suite struct SharedFileTests {
  private let folder: ScratchFolder
  private var path: String { folder.path + "/runs.db" }

  init() throws {
    folder = try ScratchFolder()
  }

  @Test func sixteenThreadsRecordIntoOneRecorder() throws {
    try GradientRecorder.record(to: path, run: "r") { recorder in
      let threads = (0..<16).map { thread in
        Thread {
          for batch in 0..<100 {
            recorder.record(epoch: thread, batch: batch) {
              $0.add("w", [Float](repeating: Float(batch), count: 500), shape: [500])
            }
          }
        }
      }
      for thread in threads { thread.start() }
      while !threads.allSatisfy(\.isFinished) { usleep(1_000) }
      #expect(recorder.losses.isNone)
    }
    #expect(
      try number(
        "SELECT count(*) FROM gradients WHERE max = batch AND min = batch AND finite_count = 500")
        == 1_600)
  }

  @Test func eightRecordersOfOneProcessShareAFile() throws {
    let path = path
    DispatchQueue.concurrentPerform(iterations: 8) { number in
      do {
        try GradientRecorder.record(to: path, run: "\(number)") { recorder in
          for batch in 0..<50 {
            recordBatch(batch, with: recorder)
            try recorder.flush()
          }
        }
      } catch {
        Issue.record(error)
      }
    }
    #expect(try number("SELECT count(*) FROM batches") == 400)
    #expect(try folder.names == ["runs.db"])
  }

  /// The log becomes short again when the reader has gone, though the recorder never stops.
  @Test func theLogIsShortAgainAfterALongReader() throws {
    var options = GradientRecorder.Options()
    options.journalSettings.logLimit = 1 << 20
    let recorder = try GradientRecorder(path: path, run: "r", options: options)
    var batch = 0
    func recordSome(_ count: Int) throws {
      for _ in 0..<count {
        recordBatch(batch, with: recorder, floats: 50_000)
        batch += 1
        if batch.isMultiple(of: 10) { try recorder.flush() }
      }
    }
    try recordSome(10)
    let reader = try holder(path)
    try reader.inDatabase { db in
      try db.execute(sql: "BEGIN; SELECT count(*) FROM batches")
      try recordSome(50)
      try db.execute(sql: "COMMIT")
    }
    let held = logBytes
    #expect(held > 8 << 20)
    try recordSome(20)
    #expect(logBytes < 4 << 20)
    try reader.close()
    try recorder.close()
    #expect(try number("SELECT count(*) FROM batches") == batch)
    #expect(try folder.names == ["runs.db"])
  }

  /// Someone always reads, though never for long: SQLite alone would never start the log over. The
  /// recorder tries each time that the log has grown by half, so a few failures in a row are allowed.
  @Test func theLogIsShortenedWhileReadersTakeTurns() throws {
    var options = GradientRecorder.Options()
    options.journalSettings.logLimit = 1 << 20
    let recorder = try GradientRecorder(path: path, run: "r", options: options)
    recordBatch(0, with: recorder)
    try recorder.flush()
    let recorded = Monitor(1)
    let shortened = Monitor(0)
    let isOver = Monitor(false)
    let path = path
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      do {
        guard thread == 0 else { return try readInTurns(path, until: isOver) }
        var longest = 0
        var longestEver = 0
        for batch in 1...1000 where shortened.withLock({ $0 }) < 8 {
          recordBatch(batch, with: recorder, name: "large", floats: 50_000)
          try recorder.flush()
          let bytes = FileOnDisk(path).log.stamp()?.bytes ?? 0
          if longest > 2 << 20, bytes < longest / 2 {
            shortened.withLock { $0 += 1 }
            longest = 0
          }
          longest = max(longest, bytes)
          longestEver = max(longestEver, bytes)
          recorded.withLock { $0 += 1 }
        }
        #expect(longestEver < 32 << 20)
      } catch {
        Issue.record(error)
      }
      isOver.withLock { $0 = true }
    }
    try recorder.close()
    // SQLite's own chance finds a gap now and then, not again and again.
    #expect(shortened.withLock { $0 } == 8)
    #expect(try number("SELECT count(*) FROM batches") == recorded.withLock { $0 })
  }

  /// POSIX takes the locks of the whole process away when one descriptor of the file is closed.
  @Test(.enabled(if: access("/usr/bin/python3", X_OK) == 0, "needs Python"))
  func lookingIntoAFileLeavesTheLocksOfTheRecorder() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    recordBatch(0, with: recorder)
    try recorder.flush()
    try DatabaseFile.openForReading(path).close()
    _ = try FileOnDisk(path).header()
    // Another program that believes to be alone takes the log away.
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
    python.arguments = [
      "-c",
      """
      import sqlite3, sys
      connection = sqlite3.connect(sys.argv[1], timeout=0.1)
      try: print(connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0])
      except sqlite3.OperationalError as error: print(error)
      """, path,
    ]
    let pipe = Pipe()
    python.standardOutput = pipe
    try python.run()
    let answer = pipe.fileHandleForReading.readDataToEndOfFile()
    python.waitUntilExit()
    #expect(String(decoding: answer, as: UTF8.self) == "database is locked\n")
    recordBatch(1, with: recorder)
    try recorder.close()
    #expect(try number("SELECT count(*) FROM batches") == 2)
  }

  /// While there is memory the recorder waits for a lock, however long; nothing is lost.
  @Test func aLockThatIsReleasedCostsNothing() throws {
    let recorder = try GradientRecorder(path: path, run: "r")
    let other = try holder(path)
    try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
    let start = ContinuousClock.now
    for batch in 0..<100 { recordBatch(batch, with: recorder, floats: 10_000) }
    #expect(ContinuousClock.now - start < .seconds(2))
    usleep(700_000)
    try other.inDatabase { try $0.execute(sql: "COMMIT") }
    try recorder.close()
    try other.close()
    #expect(try number("SELECT count(*) FROM batches") == 100)
    #expect(recorder.losses.isNone)
  }

  @Test func aRollbackJournalIsCleanedUp() throws {
    var options = GradientRecorder.Options()
    options.journal = .rollback
    let recorder = try GradientRecorder(path: path, run: "r", options: options)
    for batch in 0..<20 { recordBatch(batch, with: recorder, floats: 50_000) }
    try recorder.flush()
    #expect(try folder.names == ["runs.db", "runs.db-journal"])
    #expect(try number("SELECT count(*) FROM batches") == 20)
    try recorder.close()
    #expect(try folder.names == ["runs.db"])
  }

  private var logBytes: Int { FileOnDisk(path).log.stamp()?.bytes ?? 0 }

  private func number(_ sql: String) throws -> Int? {
    let queue = try DatabaseQueue(path: path)
    defer { try? queue.close() }
    return try queue.read { try Int.fetchOne($0, sql: sql) }
  }
}

private func recordBatch(
  _ batch: Int, with recorder: GradientRecorder, name: String = "w", floats: Int = 1
) {
  recorder.record(epoch: 0, batch: batch) {
    $0.add(name, [Float](repeating: Float(batch), count: floats), shape: [floats])
  }
}

/// A connection that may keep a transaction open.
private func holder(_ path: String) throws -> DatabaseQueue {
  var configuration = Configuration()
  configuration.allowsUnsafeTransactions = true
  return try DatabaseQueue(path: path, configuration: configuration)
}

/// Reads for 20 ms, again and again.
private func readInTurns(_ path: String, until isOver: Monitor<Bool>) throws {
  let reader = try holder(path)
  while !isOver.withLock({ $0 }) {
    try reader.inDatabase { db in
      try db.execute(sql: "BEGIN; SELECT count(*) FROM batches")
      usleep(20_000)
      try db.execute(sql: "COMMIT")
    }
  }
  try reader.close()
}
