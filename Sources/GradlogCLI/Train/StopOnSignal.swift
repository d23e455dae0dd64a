internal import Glibc
internal import GradlogTrainer
internal import Synchronization

/// Ends a training after the current batch on SIGINT, SIGTERM or SIGHUP, so that the run is closed
/// properly. A second signal ends the process at once.
final class StopOnSignal: Callback {
  /// Written by a signal handler, which may do little else.
  private static let received = Atomic<Int32>(0)

  /// The signal that came; nil when none did.
  var signal: Int32? {
    let received = Self.received.load(ordering: .relaxed)
    return received == 0 ? nil : received
  }

  init() {
    // Made here, because the handler must not be the first to touch it.
    Self.received.store(0, ordering: .relaxed)
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      sigaddset(&set, number)
      let handler: @convention(c) (Int32) -> Void = { number in
        StopOnSignal.received.store(number, ordering: .relaxed)
        Glibc.signal(number, SIG_DFL)
      }
      let previous = Glibc.signal(number, handler)
      // nohup asks for a training that survives its terminal.
      if number == SIGHUP, previous.map(Self.isIgnored) ?? false { Glibc.signal(number, SIG_IGN) }
    }
    // A parent that starts us from a thread with blocked signals, as libdispatch's are, passes that on.
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  func onBatchEnd(_ event: BatchEnd) {
    if signal != nil { event.control.stopTraining() }
  }

  private static func isIgnored(_ handler: @escaping @convention(c) (Int32) -> Void) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
