internal import GRDB

/// A run that is taken up again and whose end may be cut off, see ``GradientRecorder/Options/Overlap``.
struct ResumedRun: Sendable {
  let path: String
  let runID: Int64
  /// The last batch that the file holds.
  let last: RecordedBatch

  /// nil when nothing can be cut off.
  init?(_ run: RunState, _ options: GradientRecorder.Options, path: String) {
    guard options.overlap == .replace, let last = run.lastRecorded else { return nil }
    (self.path, self.last) = (path, last)
    runID = run.runID
  }

  /// The step of a batch that replaces what the run holds from there on; nil when nothing is replaced, or it cannot be
  /// told now. On a connection of its own, since the recorder's has a writer.
  func step(of context: BatchContext) -> Int? {
    let batch = RecordedBatch(epoch: context.epoch, batch: context.batch)
    guard batch <= last, let file = try? DatabaseFile.openForReading(path) else { return nil }
    defer { try? file.close() }
    return try? file.queue.read { db in
      try Int.fetchOne(
        db,
        sql: """
          SELECT coalesce(max(step) + 1, 0) FROM batches
          WHERE run_id = ? AND (epoch, batch) < (?, ?)
          """, arguments: [runID, batch.epoch, batch.batch])
    }
  }
}
