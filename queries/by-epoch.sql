-- title: How does each weight's gradient change from epoch to epoch?
-- explanation: One row for each run, weight and epoch. The mean norm shows the trend, the extremes
--   the spread. Norms are over finite elements: a row with non-finite batches understates.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column epoch INTEGER: zero-based
-- column recorded_batches INTEGER (batches): batches with a gradient of this weight
-- column mean_norm REAL (of g): mean over the batches; NULL when no batch has a finite element
-- column min_norm REAL (of g): smallest; NULL likewise
-- column max_norm REAL (of g): largest; NULL likewise
-- column mean_abs REAL (of g): mean of |g| over elements and batches; NULL likewise
-- column max_abs REAL (of g): largest |g|; NULL likewise
-- column zero_share REAL (share, 0 to 1): elements equal to zero; NULL for an empty tensor
-- column nonfinite_batches INTEGER (batches): batches with a NaN or infinite element
SELECT
  run, rank, weight, position, epoch, count(*) AS recorded_batches,
  avg(norm) AS mean_norm, min(norm) AS min_norm, max(norm) AS max_norm,
  sum(sum_abs) / nullif(sum(finite_count), 0) AS mean_abs, max(max_abs) AS max_abs,
  1.0 * sum(zero_count) / nullif(sum(element_count), 0) AS zero_share,
  sum(nan_count + posinf_count + neginf_count > 0) AS nonfinite_batches
FROM gradients
WHERE NOT absent AND (:run IS NULL OR run = :run)
  AND weight GLOB coalesce(:weight, '*')
  AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
GROUP BY run_id, position, weight_id, epoch
ORDER BY run_id, position, weight_id, epoch
LIMIT coalesce(:limit, -1);
