// Names and documentation are those of gradlog.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

public import CGradlog
internal import Gradlog

@c @implementation
public func gradlog_open(
  _ path: UnsafePointer<CChar>?, _ run: UnsafePointer<CChar>?,
  _ options: UnsafePointer<gradlog_options>?, _ recorder: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  status { () throws(GradlogError) in
    let result = try given(recorder, "recorder")
    result.pointee = nil
    result.pointee = try RecorderHandle(path, run, options).retained()
  }
}

@c @implementation
public func gradlog_flush(_ recorder: OpaquePointer?) -> Int32 {
  status { () throws(GradlogError) in try RecorderHandle.of(recorder).recorder.flush() }
}

@c @implementation
public func gradlog_close(_ recorder: OpaquePointer?) -> Int32 {
  status { () throws(GradlogError) in try RecorderHandle.of(recorder).recorder.close() }
}

@c @implementation
public func gradlog_close_interrupted(_ recorder: OpaquePointer?) -> Int32 {
  status { () throws(GradlogError) in
    try RecorderHandle.of(recorder).recorder.close(finished: false)
  }
}

@c @implementation
public func gradlog_release(_ recorder: OpaquePointer?) {
  guard let handle = try? RecorderHandle.of(recorder), !handle.recorder.isForked else { return }
  Unmanaged.passUnretained(handle).release()
}
