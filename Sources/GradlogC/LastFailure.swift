// Names and documentation are those of gradlog.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

internal import CGradlog
internal import Glibc
internal import Gradlog

/// The last failure of each thread, as strings that C can read.
enum LastFailure {
  final class Slot {
    var code: Int32 = GRADLOG_OK
    var problem = strdup("")
    var remedy = strdup("")

    deinit {
      free(problem)
      free(remedy)
    }
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
      if let pointer { Unmanaged<Slot>.fromOpaque(pointer).release() }
    }
    return key
  }()

  /// That of the calling thread.
  static var slot: Slot {
    if let pointer = pthread_getspecific(key) {
      return Unmanaged<Slot>.fromOpaque(pointer).takeUnretainedValue()
    }
    let slot = Slot()
    pthread_setspecific(key, Unmanaged.passRetained(slot).toOpaque())
    return slot
  }

  /// Keeps a failure for the calling thread and returns its status.
  static func keep(_ failure: GradlogError) -> Int32 {
    let slot = slot
    slot.code = Int32(failure.code.rawValue)
    free(slot.problem)
    free(slot.remedy)
    slot.problem = strdup(failure.problem)
    slot.remedy = strdup(failure.remedy)
    return slot.code
  }
}

/// Runs a call and turns what it throws into a status.
func status(_ call: () throws(GradlogError) -> Void) -> Int32 {
  do {
    try call()
    return GRADLOG_OK
  } catch {
    return LastFailure.keep(error)
  }
}

@c @implementation
public func gradlog_last_code() -> Int32 { LastFailure.slot.code }

@c @implementation
public func gradlog_last_problem() -> UnsafePointer<CChar>? {
  UnsafePointer(LastFailure.slot.problem)
}

@c @implementation
public func gradlog_last_remedy() -> UnsafePointer<CChar>? {
  UnsafePointer(LastFailure.slot.remedy)
}

@c @implementation
public func gradlog_abi_version() -> Int32 { GRADLOG_ABI_VERSION }
