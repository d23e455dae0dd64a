// Names and documentation are those of gradlog.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

public import CGradlog
internal import Gradlog

/// What a `gradlog_batch *` points to.
private final class BatchHandle {
  let recorder: GradientRecorder
  let context: BatchContext
  var batch: GradientBatch?

  init(_ recorder: GradientRecorder, _ context: BatchContext) throws(GradlogError) {
    self.recorder = recorder
    self.context = context
    batch = try recorder.begin(context)
  }

  static func of(_ pointer: OpaquePointer?) throws(GradlogError) -> Unmanaged<BatchHandle> {
    Unmanaged.fromOpaque(UnsafeRawPointer(try given(pointer, "the batch")))
  }
}

@c @implementation
public func gradlog_tell_initial_norm(
  _ recorder: OpaquePointer?, _ weight: UnsafePointer<CChar>?, _ norm: Double
) -> Int32 {
  status { () throws(GradlogError) in
    let recorder = try RecorderHandle.of(recorder).recorder
    try recorder.refuseFork()
    recorder.tellInitialNorm(norm, of: try text(weight, "the name of a weight"))
  }
}

@c @implementation
public func gradlog_record(
  _ recorder: OpaquePointer?, _ context: UnsafePointer<gradlog_batch_context>?,
  _ gradients: UnsafePointer<gradlog_gradient>?, _ count: Int
) -> Int32 {
  status { () throws(GradlogError) in
    let recorder = try RecorderHandle.of(recorder).recorder
    let context = try BatchContext(context)
    let gradients = UnsafeBufferPointer(
      start: count == 0 ? nil : try given(gradients, "the gradients"), count: count)
    var batch = try recorder.begin(context)
    for gradient in gradients { batch.add(gradient) }
    if let failure = recorder.end(batch, context) { throw failure }
  }
}

@c @implementation
public func gradlog_begin(
  _ recorder: OpaquePointer?, _ context: UnsafePointer<gradlog_batch_context>?,
  _ batch: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  status { () throws(GradlogError) in
    let result = try given(batch, "batch")
    result.pointee = nil
    let handle = try BatchHandle(RecorderHandle.of(recorder).recorder, BatchContext(context))
    result.pointee = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
  }
}

@c @implementation
public func gradlog_add(
  _ batch: OpaquePointer?, _ gradient: UnsafePointer<gradlog_gradient>?
) -> Int32 {
  status { () throws(GradlogError) in
    let gradient = try given(gradient, "the gradient")
    let handle = try BatchHandle.of(batch).takeUnretainedValue()
    try handle.recorder.refuseFork()
    handle.batch?.add(gradient.pointee)
    if let failure = handle.batch?.failure { throw failure }
  }
}

@c @implementation
public func gradlog_end(_ batch: OpaquePointer?) -> Int32 {
  status { () throws(GradlogError) in
    try BatchHandle.of(batch).takeUnretainedValue().recorder.refuseFork()
    let handle = try BatchHandle.of(batch).takeRetainedValue()
    guard let batch = handle.batch.take() else { return }
    if let failure = handle.recorder.end(batch, handle.context) { throw failure }
  }
}

@c @implementation
public func gradlog_discard(_ batch: OpaquePointer?) {
  guard let reference = try? BatchHandle.of(batch),
    !reference.takeUnretainedValue().recorder.isForked
  else { return }
  let handle = reference.takeRetainedValue()
  guard let batch = handle.batch.take() else { return }
  handle.recorder.discard(batch)
}
