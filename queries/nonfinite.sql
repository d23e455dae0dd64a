-- title: Which gradients have NaN or infinite elements?
-- explanation: One row for each run and weight that ever had one, the first offender first: where
--   NaN and infinity are contagious, the weights that come later only caught them. Within one
--   batch they spread from the loss towards the input, so the largest position comes first.
--   It lies about the cause when the loss was already NaN: then every gradient turns at once.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column nonfinite_batches INTEGER (batches): batches in which the gradient had a NaN or infinite element
-- column recorded_batches INTEGER (batches): batches with a gradient of this weight
-- column nan_elements INTEGER (elements): NaN elements in all batches
-- column posinf_elements INTEGER (elements): elements equal to +infinity in all batches
-- column neginf_elements INTEGER (elements): elements equal to -infinity in all batches
-- column first_epoch INTEGER: epoch of the first such batch
-- column first_batch INTEGER: first such batch
-- column last_epoch INTEGER: epoch of the last such batch
-- column last_batch INTEGER: last such batch
-- column first_loss REAL (as trained): loss of the first such batch; NULL when NaN or not recorded
WITH
  counts AS (
    SELECT
      weight_id, count(*) AS recorded_batches,
      sum(nan_count + posinf_count + neginf_count > 0) AS nonfinite_batches,
      sum(nan_count) AS nan_elements, sum(posinf_count) AS posinf_elements,
      sum(neginf_count) AS neginf_elements,
      min(batch_id) FILTER (WHERE nan_count + posinf_count + neginf_count > 0) AS first_batch_id,
      max(batch_id) FILTER (WHERE nan_count + posinf_count + neginf_count > 0) AS last_batch_id
    FROM gradients
    WHERE NOT absent AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY weight_id
    HAVING nonfinite_batches > 0
  )
SELECT
  runs.name AS run, runs.rank, weights.name AS weight, weights.position,
  nonfinite_batches, recorded_batches, nan_elements, posinf_elements, neginf_elements,
  first.epoch AS first_epoch, first.batch AS first_batch,
  last.epoch AS last_epoch, last.batch AS last_batch, first.loss AS first_loss
FROM counts
JOIN weights USING (weight_id)
JOIN runs USING (run_id)
JOIN batches AS first ON first.batch_id = first_batch_id
JOIN batches AS last ON last.batch_id = last_batch_id
ORDER BY runs.run_id, first_batch_id, weights.position DESC
LIMIT coalesce(:limit, -1);
