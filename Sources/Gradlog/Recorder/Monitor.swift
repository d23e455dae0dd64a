internal import Glibc

/// A value behind a lock, with a condition to wait for.
///
/// The product's only `@unchecked Sendable`: `state` is touched with `mutex` held and at no other
/// time. A pthread mutex, because ThreadSanitizer reports false races for `Synchronization.Mutex` on
/// Linux, and because that type cannot wait.
package final class Monitor<State>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var state: State

  package init(_ state: State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    // Monotonic, so that a clock that is set back stops nobody.
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  package func withLock<Result>(_ body: (inout State) -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// What a look at the state says to someone who waits.
  package enum Look<Result> {
    case ready(Result)
    /// Look again after the next ``notify()``, or at this monotonic time in seconds.
    case wait(until: Double?)
  }

  /// Calls `body` until it is ready. It is called anew each time, never suspended half way, so that
  /// it cannot hold on to a state that has changed meanwhile.
  package func wait<Result>(_ body: (inout State) -> Look<Result>) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      switch body(&state) {
      case .ready(let result):
        return result
      case .wait(nil):
        pthread_cond_wait(changed, mutex)
      case .wait(let deadline?):
        var time = timespec(
          tv_sec: Int(deadline), tv_nsec: Int((deadline - deadline.rounded(.down)) * 1e9))
        pthread_cond_timedwait(changed, mutex, &time)
      }
    }
  }

  /// Lets everyone who waits look again.
  package func notify() {
    pthread_cond_broadcast(changed)
  }
}

/// Seconds on a clock that never goes back.
func monotonicSeconds() -> Double {
  seconds(CLOCK_MONOTONIC)
}

/// Seconds since 1970-01-01 UTC.
func secondsSince1970() -> Double {
  seconds(CLOCK_REALTIME)
}

private func seconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
