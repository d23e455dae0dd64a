/// What made a file of format 2 one of format 3.
extension Schema {
  // A column that is added costs no row of those that are there: it reads as NULL, or as its default, in them.
  static let formatThreeColumns = """
    ALTER TABLE gradient_statistics ADD COLUMN zero_rows INTEGER;
    ALTER TABLE gradient_statistics ADD COLUMN zero_columns INTEGER;
    ALTER TABLE gradient_statistics ADD COLUMN cosine REAL;
    ALTER TABLE gradient_series ADD COLUMN zero_counts_blob BLOB;
    ALTER TABLE gradient_series ADD COLUMN zero_slices_blob BLOB;
    ALTER TABLE gradient_series ADD COLUMN cosines_blob BLOB;
    ALTER TABLE weights ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
    """

  // SQLite cannot let a column be NULL afterwards, so the table is made anew, on the pages of the old
  // one. A unique constraint holds any number of NULLs; no weight has the key 0.
  static let formatThreeFindings = """
    CREATE TEMP TABLE findings_of_format_two AS SELECT * FROM findings;
    DROP TABLE findings;
    CREATE TABLE findings (
      finding_id INTEGER PRIMARY KEY,
      run_id INTEGER NOT NULL REFERENCES runs,
      weight_id INTEGER REFERENCES weights,
      rule TEXT NOT NULL,
      severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
      first_batch_id INTEGER NOT NULL REFERENCES batches,
      last_batch_id INTEGER NOT NULL REFERENCES batches,
      batch_count INTEGER NOT NULL,
      value REAL,
      baseline REAL,
      threshold REAL,
      evidence TEXT,
      advice TEXT NOT NULL
    );
    CREATE UNIQUE INDEX findings_by_weight ON findings (run_id, coalesce(weight_id, 0), rule);
    INSERT INTO findings (finding_id, run_id, weight_id, rule, severity, first_batch_id,
        last_batch_id, batch_count, value, threshold, advice)
      SELECT finding_id, run_id, weight_id, rule, severity, first_batch_id, last_batch_id,
        batch_count, value, threshold, advice
      FROM temp.findings_of_format_two;
    DROP TABLE temp.findings_of_format_two;
    """

  // What formatOneView says of how it finds gradients holds here too.
  static let formatThreeView = """
    DROP VIEW gradients;
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
      statistics.zero_count AS zero_count, statistics.zero_rows AS zero_rows,
      statistics.zero_columns AS zero_columns, statistics.cosine AS cosine,
      statistics.nan_count AS nan_count,
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
