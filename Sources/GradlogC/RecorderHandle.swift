internal import CGradlog
internal import Gradlog

/// What a `gradlog_recorder *` points to.
final class RecorderHandle: Sendable {
  let recorder: GradientRecorder
  private let findings: FindingStrings
  /// Whether anything can stop the training.
  let mayStop: Bool

  init(
    _ path: UnsafePointer<CChar>?, _ run: UnsafePointer<CChar>?,
    _ given: UnsafePointer<gradlog_options>?
  ) throws(GradlogError) {
    var options = try GradientRecorder.Options(given)
    let findings = FindingStrings()
    let listener = try given.map { pointer throws(GradlogError) in
      Listener(try gradlog_options(from: pointer))
    }
    if let listener, listener.isThere {
      options.onFinding = { finding in listener.call(findings.addressOfNextHeard(finding)) }
    }
    recorder = try GradientRecorder(
      path: try text(path, "path"), run: try text(run, "run"), options: options)
    self.findings = findings
    mayStop = options.stopOn != nil
  }

  /// The findings so far, as C reads them.
  var currentFindings: FindingStrings {
    findings.take(recorder.findings)
    return findings
  }

  /// A handle that the caller owns.
  func retained() -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(self).toOpaque())
  }

  /// What a caller's handle points to.
  ///
  /// - Throws: ``GradlogError`` with code `invalidArgument` when it is NULL.
  static func of(_ pointer: OpaquePointer?) throws(GradlogError) -> RecorderHandle {
    Unmanaged<RecorderHandle>.fromOpaque(UnsafeRawPointer(try given(pointer, "the recorder")))
      .takeUnretainedValue()
  }
}

/// The caller's function and what is passed to it. The caller answers for both being fit for another
/// thread, as gradlog.h asks.
private struct Listener: @unchecked Sendable {
  private let callback: gradlog_finding_callback?
  private let userData: UnsafeMutableRawPointer?

  init(_ options: gradlog_options) {
    callback = options.on_finding
    userData = options.user_data
  }

  var isThere: Bool { callback != nil }

  func call(_ finding: UnsafePointer<gradlog_finding>) {
    callback?(finding, userData)
  }
}
