-- title: Which runs are in the file?
-- explanation: One row for each run, in the order in which they began. Whether an unfinished run
--   is still being recorded only the operating system knows: the command gradlog runs asks it.
--   The worst finding is what the detectors said while recording, not what the questions say.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column world_size INTEGER: processes of the distributed run; 1 when there is one
-- column stage TEXT: raw or applied, which gradient was recorded
-- column framework TEXT: who trained; NULL when unknown
-- column state TEXT: finished, or unfinished when the recorder did not close it
-- column started TEXT (UTC): when recording began, YYYY-MM-DD HH:MM:SS
-- column finished TEXT (UTC): when the recorder was closed; NULL when unfinished
-- column weights INTEGER: weights of the run
-- column epochs INTEGER: epochs of which a batch was recorded
-- column batches INTEGER (batches): batches recorded
-- column steps INTEGER (optimizer steps): distinct steps recorded
-- column gradients INTEGER: gradients recorded, absent ones included
-- column value_bytes INTEGER (bytes): captured values; statistics and the file's own structure come on top
-- column dropped_batches INTEGER (batches): batches of which nothing is in the file
-- column dropped_values INTEGER: gradients whose values were to be captured but could not
-- column first_loss REAL (as trained): loss of the first batch; NULL when NaN or not recorded
-- column last_loss REAL (as trained): loss of the last batch; NULL likewise
-- column worst_finding TEXT: rule and weight (and optimizer, of several) of the most severe, then earliest finding that is more than information; NULL when there is none
-- column failure TEXT: first failure of the recorder; NULL when there was none
WITH
  chosen AS (
    SELECT * FROM runs WHERE :run IS NULL OR name = :run
  ),
  batch_counts AS (
    SELECT
      run_id, count(*) AS batches, count(DISTINCT epoch) AS epochs,
      count(DISTINCT step) AS steps, sum(gradient_count) AS gradients,
      min(batch_id) AS first_batch_id, max(batch_id) AS last_batch_id
    FROM batches
    WHERE run_id IN (SELECT run_id FROM chosen)
    GROUP BY run_id
  ),
  value_sizes AS (
    -- length() of a blob reads its header, not its bytes.
    SELECT run_id, sum(length(values_blob)) AS value_bytes
    FROM chosen
    JOIN batches USING (run_id)
    JOIN gradient_values
      ON gradient_id BETWEEN first_gradient_id AND first_gradient_id + gradient_count - 1
    GROUP BY run_id
  ),
  findings_by_severity AS (
    SELECT
      findings.run_id,
      -- Files of every format tell the optimizer of the first batch, whose detectors began the finding.
      rule || ' at ' || coalesce(weights.name, 'the network') || CASE
        WHEN batches.optimizer <> '' AND EXISTS (
          SELECT 1 FROM batches AS others
          WHERE others.run_id = findings.run_id AND others.optimizer <> batches.optimizer)
        THEN ' with ' || batches.optimizer ELSE ''
      END AS finding,
      row_number() OVER (
        PARTITION BY findings.run_id ORDER BY severity = 'critical' DESC, first_batch_id, position
      ) AS place
    FROM findings
    JOIN batches ON batch_id = first_batch_id
    LEFT JOIN weights USING (weight_id)
    WHERE severity <> 'info'
  )
SELECT
  chosen.name AS run, chosen.rank, world_size, stage, framework,
  CASE WHEN finished_at IS NULL THEN 'unfinished' ELSE 'finished' END AS state,
  datetime(started_at, 'unixepoch') AS started, datetime(finished_at, 'unixepoch') AS finished,
  (SELECT count(*) FROM weights WHERE weights.run_id = chosen.run_id) AS weights,
  coalesce(epochs, 0) AS epochs, coalesce(batches, 0) AS batches, coalesce(steps, 0) AS steps,
  coalesce(gradients, 0) AS gradients, coalesce(value_bytes, 0) AS value_bytes,
  dropped_batches, dropped_values, first.loss AS first_loss, last.loss AS last_loss,
  finding AS worst_finding, failure
FROM chosen
LEFT JOIN batch_counts USING (run_id)
LEFT JOIN value_sizes USING (run_id)
LEFT JOIN batches AS first ON first.batch_id = first_batch_id
LEFT JOIN batches AS last ON last.batch_id = last_batch_id
LEFT JOIN findings_by_severity ON findings_by_severity.run_id = chosen.run_id AND place = 1
ORDER BY chosen.run_id
LIMIT coalesce(:limit, -1);
