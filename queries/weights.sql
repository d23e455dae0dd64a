-- title: Which weights were recorded?
-- explanation: One row for each run and weight, from the input towards the loss.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column dtype TEXT: float16, bfloat16, float32 or float64; NULL when no gradient was ever seen
-- column shape TEXT (elements): JSON array; NULL likewise
-- column element_count INTEGER (elements): product of the shape; NULL likewise
-- column recorded_batches INTEGER (batches): batches that have a row for this weight
-- column absent_batches INTEGER (batches): of these, batches without a gradient
-- column captured_batches INTEGER (batches): of these, batches whose values are in the file
-- column mean_norm REAL (of g): mean over the batches; NULL when no batch has a finite element
WITH
  counts AS (
    SELECT
      weight_id, count(*) AS recorded_batches, sum(absent) AS absent_batches,
      count(encoding) AS captured_batches, avg(norm) AS mean_norm
    FROM gradients
    WHERE (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY weight_id
  )
SELECT
  runs.name AS run, runs.rank, weights.name AS weight, weights.position,
  dtype, shape, element_count, coalesce(recorded_batches, 0) AS recorded_batches,
  coalesce(absent_batches, 0) AS absent_batches,
  coalesce(captured_batches, 0) AS captured_batches, mean_norm
FROM weights
JOIN runs USING (run_id)
LEFT JOIN counts USING (weight_id)
WHERE (:run IS NULL OR runs.name = :run) AND weights.name GLOB coalesce(:weight, '*')
ORDER BY runs.run_id, weights.position
LIMIT coalesce(:limit, -1);
