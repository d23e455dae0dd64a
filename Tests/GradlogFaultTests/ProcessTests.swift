import Foundation
import Glibc
import Testing

extension FaultTests {
  /// A training that is interrupted ends after the batch, closes the run, and exits as shells expect.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalClosesTheRun(signal: Int32) throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let child = try Child(
      "gradlog",
      [
        "train", "--data", Self.digits, "--target", "digit", "--layers", "4", "--epochs", "100000",
        "--db", file.path, "--run", "r", "--quiet",
      ])
    while child.isRunning, (try? file.batches().isEmpty) ?? true { usleep(5_000) }
    child.send(signal)
    #expect(child.wait(atMost: 20) == 128 + signal, "\(child.talk)")
    #expect(child.talk == "")
    try #expect(file.count("SELECT count(*) FROM runs WHERE finished_at IS NOT NULL") == 1)
    #expect(try file.rows("PRAGMA integrity_check") == [["ok"]])
    #expect(try folder.names == ["runs.db"])
    Effort.report("signal \(signal): the run is closed, exit code \(128 + signal)")
  }

  /// The clock is set back by an hour with each look at it.
  @Test(.enabled(if: access("/usr/bin/cc", X_OK) == 0, "needs a C compiler"))
  func aClockThatGoesBackIsHarmless() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    let source = folder.path + "/clock.c"
    try Data(Self.backwardClock.utf8).write(to: URL(fileURLWithPath: source))
    let library = folder.path + "/clock.so"
    let compiled = try run("/usr/bin/cc", "-shared", "-fPIC", "-o", library, source)
    #expect(compiled.code == 0, "\(compiled.talk)")
    let child = try Child(
      "RecorderProbe", ["record", file.path, "r", "batches=50", "flush=10"],
      environment: ["LD_PRELOAD": library])
    #expect(child.wait() == 0, "\(child.output) \(child.talk)")
    try file.expectSound()
    #expect(try file.batches().count == 50)
    #expect(
      try file.count(
        """
        SELECT count(*) FROM batches AS later JOIN batches AS earlier
          ON earlier.batch_id = later.batch_id - 1 WHERE later.recorded_at < earlier.recorded_at
        """) == 49)
    #expect(try run("gradlog", "runs", file.path).output.contains("finished"))
    Effort.report("a clock that goes back: 50 batches, none lost")
  }

  /// A child of a fork has no writer thread and no locks: it must neither write nor hang.
  @Test func aForkedChildRefusesAndTheParentGoesOn() throws {
    let folder = try ScratchFolder()
    let file = RecordedFile(path: folder.path + "/runs.db")
    for _ in 0..<Effort.pick(short: 5, soak: 200) {
      unlink(file.path)
      let probe = try run("RecorderProbe", "fork", file.path)
      #expect(probe.code == 0, "\(probe.output) \(probe.talk)")
      let refusal =
        "the recorder was opened in another process, before fork(); "
        + "open a recorder in the process that trains"
      #expect(probe.output.contains("child flush: \(refusal)\n"))
      #expect(probe.output.contains("child close: \(refusal)\n"))
      #expect(
        probe.output.contains("child open: '\(file.path)' was open when this process was forked"))
      #expect(probe.talk == "gradlog: \(refusal)\n")
      #expect(probe.output.contains("parent closed"))
      #expect(try file.rows("SELECT count(*), max(batch) FROM batches") == [["150", "149"]])
      #expect(try file.rows("PRAGMA integrity_check") == [["ok"]])
      #expect(try folder.names == ["runs.db"])
    }
    Effort.report("fork: the child refuses, the parent loses nothing")
  }

  private static let digits = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Examples/digits.csv").path

  private static let backwardClock = """
    #define _GNU_SOURCE
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>
    static long looks;
    int clock_gettime(clockid_t clock, struct timespec *time) {
      int result = syscall(SYS_clock_gettime, clock, time);
      if (clock == CLOCK_REALTIME) time->tv_sec -= 3600 * __sync_fetch_and_add(&looks, 1);
      return result;
    }
    """
}
