/// What made a file of format 3 one of format 4.
extension Schema {
  // A finding was begun by the detectors of one optimizer, that of its first batch.
  static let formatFourFindings = """
    ALTER TABLE findings ADD COLUMN optimizer TEXT NOT NULL DEFAULT '';
    UPDATE findings SET optimizer = coalesce(
      (SELECT optimizer FROM batches WHERE batch_id = first_batch_id), '');
    DROP INDEX findings_by_weight;
    CREATE UNIQUE INDEX findings_by_weight
      ON findings (run_id, coalesce(weight_id, 0), rule, optimizer);
    """

  // In the order of the batches, as they are read beside them and deleted with them. What was frozen before
  // cannot be told: a weight without rows is what `weights.frozen` says.
  static let formatFourFreezings = """
    CREATE TABLE freezings (
      weight_id INTEGER NOT NULL REFERENCES weights,
      first_batch_id INTEGER NOT NULL REFERENCES batches,
      frozen INTEGER NOT NULL,
      PRIMARY KEY (first_batch_id, weight_id)
    ) WITHOUT ROWID
    """

  static let formatFourWeights = "ALTER TABLE weights ADD COLUMN initial_norm REAL"
}
