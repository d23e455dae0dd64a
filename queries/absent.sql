-- title: Which weights had no gradient at all?
-- explanation: One row for each run and weight whose gradient was absent in some recorded batch:
--   frozen, detached from the loss, or not used by that batch. A weight that is absent in every
--   batch never trains. It lies about weights that are left out of some batches on purpose, such
--   as the half of an adversarial pair whose turn it is not.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column absent_batches INTEGER (batches): batches without a gradient of this weight
-- column recorded_batches INTEGER (batches): batches that have a row for this weight, absent or not
-- column absent_share REAL (share, 0 to 1): absent_batches / recorded_batches
-- column first_epoch INTEGER: epoch of the first batch without
-- column first_batch INTEGER: first batch without
-- column last_epoch INTEGER: epoch of the last batch without
-- column last_batch INTEGER: last batch without
WITH
  counts AS (
    SELECT
      weight_id, count(*) AS recorded_batches, sum(absent) AS absent_batches,
      min(batch_id) FILTER (WHERE absent) AS first_batch_id,
      max(batch_id) FILTER (WHERE absent) AS last_batch_id
    FROM gradients
    WHERE (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY weight_id
    HAVING absent_batches > 0
  )
SELECT
  runs.name AS run, runs.rank, weights.name AS weight, weights.position,
  absent_batches, recorded_batches, 1.0 * absent_batches / recorded_batches AS absent_share,
  first.epoch AS first_epoch, first.batch AS first_batch,
  last.epoch AS last_epoch, last.batch AS last_batch
FROM counts
JOIN weights USING (weight_id)
JOIN runs USING (run_id)
JOIN batches AS first ON first.batch_id = first_batch_id
JOIN batches AS last ON last.batch_id = last_batch_id
ORDER BY runs.run_id, weights.position
LIMIT coalesce(:limit, -1);
