// Names and documentation are those of gradlog.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation

public import CGradlog
internal import Gradlog

@c @implementation
public func gradlog_losses(
  _ recorder: OpaquePointer?, _ batches: UnsafeMutablePointer<Int64>?,
  _ values: UnsafeMutablePointer<Int64>?
) -> Int32 {
  status { () throws(GradlogError) in
    let losses = try RecorderHandle.of(recorder).recorder.losses
    batches?.pointee = Int64(losses.batches)
    values?.pointee = Int64(losses.values)
    if let failure = losses.failure { throw failure }
  }
}

@c @implementation
public func gradlog_resumed_after(
  _ recorder: OpaquePointer?, _ epoch: UnsafeMutablePointer<Int64>?,
  _ batch: UnsafeMutablePointer<Int64>?
) -> Int32 {
  guard let last = try? RecorderHandle.of(recorder).recorder.resumedAfter else { return 0 }
  epoch?.pointee = Int64(last.epoch)
  batch?.pointee = Int64(last.batch)
  return 1
}

@c @implementation
public func gradlog_finding_count(_ recorder: OpaquePointer?) -> Int {
  usable(recorder)?.currentFindings.count ?? 0
}

@c @implementation
public func gradlog_finding_at(
  _ recorder: OpaquePointer?, _ index: Int
) -> UnsafePointer<gradlog_finding>? {
  usable(recorder)?.currentFindings[index]
}

@c @implementation
public func gradlog_stopped(_ recorder: OpaquePointer?) -> UnsafePointer<gradlog_finding>? {
  guard let handle = usable(recorder), handle.mayStop, let finding = handle.recorder.stopped else {
    return nil
  }
  return handle.currentFindings.address(of: finding)
}

/// A recorder whose locks may be touched: not in a forked process.
private func usable(_ recorder: OpaquePointer?) -> RecorderHandle? {
  guard let handle = try? RecorderHandle.of(recorder), !handle.recorder.isForked else { return nil }
  return handle
}
