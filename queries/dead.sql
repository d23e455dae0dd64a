-- title: Which weights get no signal: a gradient that is exactly zero?
-- explanation: One row for each run and weight whose gradient was all zeros in at least :share of
--   the recorded batches, or in each of the last :recent batches or more. Dying ReLU units, a
--   masked layer or underflow do that. A batch whose loss is exactly zero has nothing to learn from
--   and does not count as dead. It lies when that loss was not recorded, and about rarely used
--   weights such as experts of a mixture; a weight of which only some units are dead is not found.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- parameter :share REAL = 0.5: share of batches (D7, DeepLocalize: half of the batches)
-- parameter :recent INTEGER = 20: batches at the end, all of them zero (D5: k from 20 on)
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column dead_batches INTEGER (batches): batches in which every element was zero and the loss was not
-- column recorded_batches INTEGER (batches): batches with a gradient of this weight
-- column dead_share REAL (share, 0 to 1): dead_batches / recorded_batches
-- column first_epoch INTEGER: epoch of the first dead batch
-- column first_batch INTEGER: first dead batch
-- column last_epoch INTEGER: epoch of the last dead batch
-- column last_batch INTEGER: last dead batch
-- column recent_batches INTEGER (batches): dead batches since the last living one
WITH
  zeros AS (
    SELECT
      weight_id, batch_id,
      element_count > 0 AND zero_count >= element_count AND coalesce(loss != 0, 1) AS dead
    FROM gradients
    WHERE NOT absent AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
  ),
  counts AS (
    SELECT
      weight_id, count(*) AS recorded_batches, sum(dead) AS dead_batches,
      min(batch_id) FILTER (WHERE dead) AS first_batch_id,
      max(batch_id) FILTER (WHERE dead) AS last_batch_id,
      max(batch_id) FILTER (WHERE NOT dead) AS living_batch_id
    FROM zeros
    GROUP BY weight_id
    HAVING dead_batches > 0
  ),
  endings AS (
    SELECT weight_id, count(*) AS recent_batches
    FROM zeros JOIN counts USING (weight_id)
    WHERE batch_id > coalesce(living_batch_id, -1)
    GROUP BY weight_id
  )
SELECT
  runs.name AS run, runs.rank, weights.name AS weight, weights.position,
  dead_batches, recorded_batches, 1.0 * dead_batches / recorded_batches AS dead_share,
  first.epoch AS first_epoch, first.batch AS first_batch,
  last.epoch AS last_epoch, last.batch AS last_batch,
  coalesce(recent_batches, 0) AS recent_batches
FROM counts
LEFT JOIN endings USING (weight_id)
JOIN weights USING (weight_id)
JOIN runs USING (run_id)
JOIN batches AS first ON first.batch_id = first_batch_id
JOIN batches AS last ON last.batch_id = last_batch_id
WHERE dead_batches >= coalesce(:share, 0.5) * recorded_batches
  OR recent_batches >= coalesce(:recent, 20)
ORDER BY runs.run_id, weights.position
LIMIT coalesce(:limit, -1);
