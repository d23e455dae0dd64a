internal import GRDB

/// Who a run is, as it stands in `runs`.
struct RunIdentity: Sendable {
  let name: String
  let rank: Int
  let worldSize: Int
  let stage: GradientStage
  let framework: String?
  /// A JSON object.
  let configuration: String

  init(_ name: String, _ options: GradientRecorder.Options) {
    self.name = name
    rank = options.rank
    worldSize = options.worldSize
    stage = options.stage
    framework = options.framework
    configuration = options.configuration
  }
}

/// Where a run stands in the file.
struct RunState: Sendable {
  let runID: Int64
  /// The last batch that the file holds of the run; nil for a new one.
  let lastRecorded: RecordedBatch?
  /// The largest key of its batches; 0 for a new one.
  let lastBatchID: Int64
  /// The step after the last one.
  let nextStep: Int
  /// In the order of their positions.
  let weights: [StoredWeight]
}

/// A batch that the file holds.
public struct RecordedBatch: Sendable, Equatable, Comparable {
  /// Zero-based.
  public let epoch: Int
  /// Zero-based, restarts in each epoch.
  public let batch: Int

  /// A place in a training.
  public init(epoch: Int, batch: Int) {
    self.epoch = epoch
    self.batch = batch
  }

  /// In order of time.
  public static func < (earlier: RecordedBatch, later: RecordedBatch) -> Bool {
    (earlier.epoch, earlier.batch) < (later.epoch, later.batch)
  }
}

/// The rows of `runs`.
enum RunTable {
  /// Begins the run, or takes it up again if the file has one of that name and rank.
  ///
  /// - Throws: ``GradlogError`` with code `overlap` when the run in the file holds gradients of the
  ///   other stage; whatever SQLite throws.
  static func open(_ identity: RunIdentity, in db: Database) throws -> RunState {
    let existing = try Row.fetchOne(
      db,
      sql: """
        SELECT run_id, stage, finished_at, recorder_host, recorder_process,
          recorder_process_started
        FROM runs WHERE name = ? AND rank = ?
        """,
      arguments: [identity.name, identity.rank])
    guard let existing else {
      return RunState(
        runID: try insert(identity, in: db), lastRecorded: nil, lastBatchID: 0, nextStep: 0,
        weights: [])
    }
    let stage = try existing.decode(String.self, forColumn: "stage")
    guard stage == identity.stage.rawValue else {
      throw GradlogError(
        .overlap,
        "run \"\(identity.name)\" holds \(stage) gradients and cannot take \(identity.stage.rawValue) ones",
        remedy: "record \(stage) gradients, or give the run another name")
    }
    try refuseIfBeingRecorded(existing, identity.name)
    let runID = try existing.decode(Int64.self, forColumn: "run_id")
    try claim(runID, in: db)
    return try state(of: runID, in: db)
  }

  /// Two recorders of one run would mix two trainings.
  private static func refuseIfBeingRecorded(_ run: Row, _ name: String) throws {
    guard try run.decode(Double?.self, forColumn: "finished_at") == nil,
      let host = try run.decode(String?.self, forColumn: "recorder_host"),
      let identifier = try run.decode(Int?.self, forColumn: "recorder_process"),
      identifier != RecorderProcess.current.identifier
    else { return }
    let process = RecorderProcess(
      host: host, identifier: identifier,
      startedAt: try run.decode(Int?.self, forColumn: "recorder_process_started"))
    guard process.isAlive else { return }
    throw GradlogError(
      .overlap, "run \"\(name)\" is being recorded by process \(identifier)",
      remedy: "wait until it has ended, or give this run another name")
  }

  private static func insert(_ identity: RunIdentity, in db: Database) throws -> Int64 {
    try db.execute(
      sql: """
        INSERT INTO runs (name, rank, world_size, stage, framework, configuration, started_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        identity.name, identity.rank, identity.worldSize, identity.stage.rawValue,
        identity.framework, identity.configuration, secondsSince1970(),
      ])
    let runID = db.lastInsertedRowID
    try claim(runID, in: db)
    return runID
  }

  /// Notes that this process records the run now.
  private static func claim(_ runID: Int64, in db: Database) throws {
    let process = RecorderProcess.current
    try db.execute(
      sql: """
        UPDATE runs SET finished_at = NULL, failure = NULL, recorder_host = ?,
          recorder_process = ?, recorder_process_started = ?
        WHERE run_id = ?
        """,
      arguments: [process.host, process.identifier, process.startedAt, runID])
  }

  /// Where the run stands now.
  static func state(of runID: Int64, in db: Database) throws -> RunState {
    let last = try Row.fetchOne(
      db,
      sql:
        "SELECT epoch, batch FROM batches WHERE run_id = ? ORDER BY epoch DESC, batch DESC LIMIT 1",
      arguments: [runID])
    let lastStep = try Int.fetchOne(
      db, sql: "SELECT max(step) FROM batches WHERE run_id = ?", arguments: [runID])
    return RunState(
      runID: runID,
      lastRecorded: try last.map {
        RecordedBatch(
          epoch: try $0.decode(Int.self, forColumn: "epoch"),
          batch: try $0.decode(Int.self, forColumn: "batch"))
      },
      lastBatchID: try lastBatchID(of: runID, in: db),
      nextStep: lastStep.map { Bounds.bounded(Int64($0)) + 1 } ?? 0,
      weights: try WeightTable.weights(of: runID, in: db))
  }

  /// The largest key of a run's batches; 0 when it has none.
  static func lastBatchID(of runID: Int64, in db: Database) throws -> Int64 {
    let last = try Int64.fetchOne(
      db, sql: "SELECT max(batch_id) FROM batches WHERE run_id = ?", arguments: [runID])
    // Whatever a file says, the numbers of the batches to come are added to it.
    return min(max(last ?? 0, 0), .max / 2)
  }

  /// Deletes what the run holds from a batch on, so that it can be recorded anew. Findings that reach
  /// that far go too; the detectors find again what is still so.
  static func truncate(_ runID: Int64, from batch: RecordedBatch, in db: Database) throws {
    try db.execute(
      sql: """
        CREATE TEMP TABLE replaced (
          batch_id INTEGER PRIMARY KEY, first_gradient_id INTEGER, gradient_count INTEGER);
        INSERT INTO replaced SELECT batch_id, first_gradient_id, gradient_count FROM batches
          WHERE run_id = :run AND (epoch, batch) >= (:epoch, :batch);
        """, arguments: ["run": runID, "epoch": batch.epoch, "batch": batch.batch])
    try SeriesTable.remove(batchesIn: "replaced", ofRun: runID, in: db)
    try WeightTable.forgetFreezings(inBatchesOf: "replaced", in: db)
    try db.execute(
      sql: """
        UPDATE runs SET values_stopped_batch_id = NULL, values_stopped_reason = NULL
          WHERE values_stopped_batch_id IN (SELECT batch_id FROM replaced);
        DELETE FROM findings WHERE run_id = :run
          AND last_batch_id IN (SELECT batch_id FROM replaced);
        DELETE FROM gradient_values WHERE gradient_id IN (
          SELECT gradient_id FROM replaced JOIN gradient_statistics ON gradient_id
            BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1);
        DELETE FROM gradient_statistics WHERE gradient_id IN (
          SELECT gradient_id FROM replaced JOIN gradient_statistics ON gradient_id
            BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1);
        DELETE FROM batches WHERE batch_id IN (SELECT batch_id FROM replaced);
        DROP TABLE replaced;
        """,
      arguments: ["run": runID])
  }

  /// Writes how much was lost so far, and why.
  static func noteLosses(_ losses: RecordingLosses, of runID: Int64, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE runs SET dropped_batches = dropped_batches + ?, dropped_values = dropped_values + ?,
          failure = coalesce(failure, ?)
        WHERE run_id = ?
        """,
      arguments: [losses.batches, losses.values, losses.failure?.description, runID])
  }

  /// Takes back a run of which nothing was recorded.
  static func removeIfEmpty(_ runID: Int64, in db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM runs WHERE run_id = :run AND dropped_batches = 0
          AND NOT EXISTS (SELECT 1 FROM batches WHERE run_id = :run)
          AND NOT EXISTS (SELECT 1 FROM weights WHERE run_id = :run)
        """,
      arguments: ["run": runID])
  }

  /// Notes that the run ended as it should.
  static func finish(_ runID: Int64, in db: Database) throws {
    try db.execute(
      sql: "UPDATE runs SET finished_at = ? WHERE run_id = ?",
      arguments: [secondsSince1970(), runID])
  }
}
