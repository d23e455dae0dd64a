internal import Dispatch
internal import Glibc
internal import GradlogTrainer
internal import Synchronization

/// Ends a training after the current batch on SIGINT or SIGTERM, so that the run is closed properly.
/// A second signal ends the process at once.
final class StopOnSignal: Callback {
  private static let received = Atomic<Int32>(0)
  private var sources: [any DispatchSourceSignal] = []

  /// The signal that came; nil when none did.
  var signal: Int32? {
    let received = Self.received.load(ordering: .relaxed)
    return received == 0 ? nil : received
  }

  init() {
    for number in [SIGINT, SIGTERM] {
      Glibc.signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        Self.received.store(number, ordering: .relaxed)
        Glibc.signal(number, SIG_DFL)
      }
      source.resume()
      sources.append(source)
    }
  }

  func onBatchEnd(_ event: BatchEnd) {
    if signal != nil { event.control.stopTraining() }
  }
}
