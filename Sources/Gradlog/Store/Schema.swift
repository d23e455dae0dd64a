internal import GRDB

/// The tables and the view of `docs/FileFormat.md`, as an append-only list of migrations.
///
/// A migration that has been released is never edited: files that it made exist.
enum Schema {
  /// "grad" in ASCII: what `PRAGMA application_id` says of a gradlog file.
  static let applicationID: Int32 = 0x6772_6164

  /// The format that this code writes, and the newest that it reads: `PRAGMA user_version`.
  static let version = 4

  /// Large pages write large tensors twice as fast as SQLite's default of 4,096 bytes.
  static let pageSize = 65_536

  /// Brings a new or an older file to ``version``, each step in a transaction of its own.
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("format-1") { db in
      try db.execute(sql: formatOneTables)
      try db.execute(sql: formatOneView)
      try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = 1")
    }
    migrator.registerMigration("format-2") { db in
      try db.execute(sql: formatTwoTable)
      try db.execute(sql: "PRAGMA user_version = 2")
    }
    migrator.registerMigration("format-3") { db in
      try db.execute(sql: formatThreeColumns)
      try db.execute(sql: formatThreeFindings)
      try db.execute(sql: formatThreeView)
      try db.execute(sql: "PRAGMA user_version = 3")
    }
    migrator.registerMigration("format-4") { db in
      try db.execute(sql: formatFourFindings)
      try db.execute(sql: formatFourFreezings)
      try db.execute(sql: formatFourWeights)
      try db.execute(sql: "PRAGMA user_version = 4")
    }
    return migrator
  }

  private static let formatOneTables = """
    CREATE TABLE runs (
      run_id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      rank INTEGER NOT NULL DEFAULT 0,
      world_size INTEGER NOT NULL DEFAULT 1,
      stage TEXT NOT NULL CHECK (stage IN ('raw', 'applied')),
      framework TEXT,
      configuration TEXT NOT NULL DEFAULT '{}',
      started_at REAL NOT NULL,
      finished_at REAL,
      recorder_host TEXT,
      recorder_process INTEGER,
      recorder_process_started INTEGER,
      dropped_batches INTEGER NOT NULL DEFAULT 0,
      dropped_values INTEGER NOT NULL DEFAULT 0,
      failure TEXT,
      values_stopped_batch_id INTEGER REFERENCES batches,
      values_stopped_reason TEXT,
      UNIQUE (name, rank)
    );
    CREATE TABLE weights (
      weight_id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs,
      position INTEGER NOT NULL,
      name TEXT NOT NULL,
      dtype TEXT,
      shape TEXT,
      element_count INTEGER,
      UNIQUE (run_id, name)
    );
    CREATE TABLE batches (
      batch_id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs,
      epoch INTEGER NOT NULL,
      batch INTEGER NOT NULL,
      optimizer TEXT NOT NULL DEFAULT '',
      call INTEGER NOT NULL DEFAULT 0,
      step INTEGER NOT NULL,
      loss REAL,
      loss_is_nan INTEGER NOT NULL DEFAULT 0,
      learning_rate REAL,
      loss_scale REAL,
      recorded_at REAL NOT NULL,
      first_gradient_id INTEGER NOT NULL,
      gradient_count INTEGER NOT NULL,
      UNIQUE (run_id, epoch, batch, optimizer, call)
    );
    CREATE TABLE gradient_statistics (
      gradient_id INTEGER PRIMARY KEY,
      batch_id INTEGER NOT NULL REFERENCES batches,
      weight_id INTEGER NOT NULL REFERENCES weights,
      absent INTEGER NOT NULL DEFAULT 0,
      zero_count INTEGER,
      nan_count INTEGER,
      posinf_count INTEGER,
      neginf_count INTEGER,
      sum REAL,
      sum_abs REAL,
      sum_squares REAL,
      norm REAL,
      rms REAL,
      std REAL,
      min REAL,
      max REAL,
      abs_p1 REAL,
      abs_p5 REAL,
      abs_p25 REAL,
      abs_median REAL,
      abs_p75 REAL,
      abs_p95 REAL,
      abs_p99 REAL,
      float16_underflow_count INTEGER,
      bfloat16_underflow_count INTEGER,
      float8_e4m3_underflow_count INTEGER,
      float8_e5m2_underflow_count INTEGER,
      exponents_blob BLOB
    );
    CREATE TABLE gradient_values (
      gradient_id INTEGER PRIMARY KEY REFERENCES gradient_statistics,
      encoding TEXT NOT NULL,
      values_blob BLOB NOT NULL
    );
    CREATE TABLE findings (
      finding_id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs,
      weight_id INTEGER NOT NULL REFERENCES weights,
      rule TEXT NOT NULL,
      severity TEXT NOT NULL CHECK (severity IN ('warning', 'critical')),
      first_batch_id INTEGER NOT NULL REFERENCES batches,
      last_batch_id INTEGER NOT NULL REFERENCES batches,
      batch_count INTEGER NOT NULL,
      value REAL,
      threshold REAL,
      advice TEXT NOT NULL,
      UNIQUE (run_id, weight_id, rule)
    );
    """

  // The columns that are nearly always NULL come last: SQLite sees that they are without reading on.
  private static let formatTwoTable = """
    CREATE TABLE gradient_series (
      first_gradient_id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs,
      first_batch_id INTEGER NOT NULL REFERENCES batches,
      batch_count INTEGER NOT NULL,
      weight_ids_blob BLOB NOT NULL,
      norms_blob BLOB NOT NULL,
      mean_abs_nonzero_blob BLOB NOT NULL,
      absent_blob BLOB,
      nonfinite_blob BLOB
    )
    """

  // A batch's gradients have consecutive keys, so the view finds them by a range of the primary key
  // of gradient_statistics: selecting a few batches touches only their rows, with no index to keep
  // up to date while recording. CROSS JOIN, NOT INDEXED and the unary plus keep the planner on that
  // path: left to itself it builds an index over a filtered column at query time and walks it once
  // for each batch, which is quadratic. The values are scalar subqueries, not an outer join, so that
  // a query that does not name them never looks.
  private static let formatOneView = """
    CREATE VIEW gradients AS
    SELECT
      runs.name AS run, runs.rank AS rank, runs.stage AS stage,
      batches.epoch AS epoch, batches.batch AS batch, batches.step AS step,
      batches.optimizer AS optimizer, batches.call AS call,
      batches.loss AS loss, batches.loss_is_nan AS loss_is_nan,
      batches.learning_rate AS learning_rate, batches.recorded_at AS recorded_at,
      weights.name AS weight, weights.position AS position, weights.dtype AS dtype,
      weights.shape AS shape, weights.element_count AS element_count,
      statistics.absent AS absent,
      statistics.zero_count AS zero_count, statistics.nan_count AS nan_count,
      statistics.posinf_count AS posinf_count, statistics.neginf_count AS neginf_count,
      weights.element_count - statistics.nan_count - statistics.posinf_count
        - statistics.neginf_count AS finite_count,
      statistics.norm AS norm, statistics.rms AS rms,
      statistics.sum / nullif(weights.element_count - statistics.nan_count
        - statistics.posinf_count - statistics.neginf_count, 0) AS mean,
      statistics.sum_abs / nullif(weights.element_count - statistics.nan_count
        - statistics.posinf_count - statistics.neginf_count, 0) AS mean_abs,
      statistics.std AS std, statistics.min AS min, statistics.max AS max,
      max(statistics.max, -statistics.min) AS max_abs,
      statistics.sum AS sum, statistics.sum_abs AS sum_abs,
      statistics.sum_squares AS sum_squares,
      statistics.abs_p1 AS abs_p1, statistics.abs_p5 AS abs_p5, statistics.abs_p25 AS abs_p25,
      statistics.abs_median AS abs_median, statistics.abs_p75 AS abs_p75,
      statistics.abs_p95 AS abs_p95, statistics.abs_p99 AS abs_p99,
      CAST(statistics.float16_underflow_count AS REAL) / nullif(weights.element_count
        - statistics.nan_count - statistics.posinf_count - statistics.neginf_count
        - statistics.zero_count, 0) AS float16_underflow,
      CAST(statistics.bfloat16_underflow_count AS REAL) / nullif(weights.element_count
        - statistics.nan_count - statistics.posinf_count - statistics.neginf_count
        - statistics.zero_count, 0) AS bfloat16_underflow,
      CAST(statistics.float8_e4m3_underflow_count AS REAL) / nullif(weights.element_count
        - statistics.nan_count - statistics.posinf_count - statistics.neginf_count
        - statistics.zero_count, 0) AS float8_e4m3_underflow,
      CAST(statistics.float8_e5m2_underflow_count AS REAL) / nullif(weights.element_count
        - statistics.nan_count - statistics.posinf_count - statistics.neginf_count
        - statistics.zero_count, 0) AS float8_e5m2_underflow,
      (SELECT encoding FROM gradient_values AS kept
        WHERE kept.gradient_id = statistics.gradient_id) AS encoding,
      (SELECT values_blob FROM gradient_values AS kept
        WHERE kept.gradient_id = statistics.gradient_id) AS values_blob,
      statistics.exponents_blob AS exponents_blob,
      runs.run_id AS run_id, batches.batch_id AS batch_id, weights.weight_id AS weight_id,
      statistics.gradient_id AS gradient_id
    FROM runs
    JOIN batches ON batches.run_id = runs.run_id
    CROSS JOIN gradient_statistics AS statistics NOT INDEXED
      ON statistics.gradient_id BETWEEN batches.first_gradient_id
        AND batches.first_gradient_id + batches.gradient_count - 1
    JOIN weights ON weights.weight_id = +statistics.weight_id;
    """
}
