internal import Glibc

/// The runs that recorders of this process have open.
enum OpenRuns {
  struct Claim: Hashable {
    let run: String
    let rank: Int
    let path: String
  }

  /// With the process that opened each: a fork takes them along.
  private static let open = Monitor<[Claim: pid_t]>([:])

  /// Takes a run.
  ///
  /// - Throws: ``GradlogError`` when another recorder of this process has it, for two recorders of one
  ///   run would mix two trainings, a mistake that is easily made in a notebook; and when the file was
  ///   open at a fork: SQLite would believe that it still holds the parent's locks.
  static func claim(_ claim: Claim) throws(GradlogError) {
    let process = getpid()
    let failure: GradlogError? = open.withLock { open in
      if open.contains(where: { $0.key.path == claim.path && $0.value != process }) {
        return openAtFork(claim.path)
      }
      if open[claim] != nil { return recordedTwice(claim.run) }
      open[claim] = process
      return nil
    }
    if let failure { throw failure }
  }

  /// Lets the run be opened again.
  static func release(_ claim: Claim) {
    open.withLock { _ = $0.removeValue(forKey: claim) }
  }

  private static func recordedTwice(_ run: String) -> GradlogError {
    GradlogError(
      .overlap, "run \"\(run)\" is being recorded by another recorder of this process",
      remedy: "close that recorder first, or give this run another name")
  }

  private static func openAtFork(_ path: String) -> GradlogError {
    GradlogError(
      .misuse, "'\(path)' was open when this process was forked",
      remedy: "record to another file, or start this process with spawn instead of fork")
  }
}
