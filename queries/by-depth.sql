-- title: How large is the gradient at each depth?
-- explanation: One row for each run and weight, from the input towards the loss, with the median
--   norm over the batches: the profile in which vanishing falls towards the input and explosion
--   rises. Compare kernels with kernels and biases with biases. It lies where layers differ much
--   in size: a larger tensor has a larger norm; median_rms is per element and does not.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column shape TEXT (elements): JSON array; NULL when no gradient was ever seen
-- column finite_batches INTEGER (batches): batches with a norm
-- column median_norm REAL (of g): median over the batches, the lower of the two middle ones
-- column min_norm REAL (of g): smallest norm of a batch
-- column max_norm REAL (of g): largest norm of a batch
-- column median_rms REAL (of g): root mean square per element in the batch of the median norm, the
--   earliest of equals
WITH
  ranked AS (
    SELECT
      weight_id, norm, rms,
      row_number() OVER (PARTITION BY weight_id ORDER BY norm, gradient_id) AS place,
      count(*) OVER (PARTITION BY weight_id) AS finite_batches
    FROM gradients
    WHERE norm IS NOT NULL AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
  ),
  profile AS (
    SELECT
      weight_id, finite_batches,
      max(norm) FILTER (WHERE place = (finite_batches + 1) / 2) AS median_norm,
      min(norm) AS min_norm, max(norm) AS max_norm,
      max(rms) FILTER (WHERE place = (finite_batches + 1) / 2) AS median_rms
    FROM ranked
    GROUP BY weight_id
  )
SELECT
  runs.name AS run, runs.rank, weights.name AS weight, weights.position, shape, finite_batches,
  median_norm, min_norm, max_norm, median_rms
FROM profile
JOIN weights USING (weight_id)
JOIN runs USING (run_id)
ORDER BY runs.run_id, weights.position
LIMIT coalesce(:limit, -1);
