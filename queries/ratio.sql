-- title: How much of the gradient reaches the first layer?
-- explanation: One row for each run and epoch: the norm of the kernel nearest the input divided by
--   that of the kernel nearest the loss, batch by batch. Kernels are weights whose shape has two
--   or more dimensions. Far below 1 is vanishing (AutoTrainer: 1e-3), far above exploding (70).
--   It lies where the two differ much in size, and where the inputs are not scaled: they scale the
--   first kernel's gradient. A run with fewer than two kernels has no row.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column epoch INTEGER: zero-based
-- column first_kernel TEXT: weight nearest the input
-- column last_kernel TEXT: weight nearest the loss
-- column compared_batches INTEGER (batches): batches in which both have a norm and the last is not 0
-- column mean_ratio REAL (ratio): mean of first norm / last norm; NULL when no batch compares
-- column min_ratio REAL (ratio): smallest; NULL likewise
-- column max_ratio REAL (ratio): largest; NULL likewise
WITH
  ends AS (
    SELECT run_id, min(position) AS first_position, max(position) AS last_position
    FROM weights
    WHERE instr(shape, ',') > 0
    GROUP BY run_id
    HAVING min(position) < max(position)
  ),
  pairs AS (
    SELECT
      run_id, run, rank, epoch, batch_id,
      max(CASE WHEN position = first_position THEN weight END) AS first_kernel,
      max(CASE WHEN position = last_position THEN weight END) AS last_kernel,
      max(CASE WHEN position = first_position THEN norm END)
        / nullif(max(CASE WHEN position = last_position THEN norm END), 0) AS ratio
    FROM gradients JOIN ends USING (run_id)
    WHERE position IN (first_position, last_position) AND (:run IS NULL OR run = :run)
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY batch_id
  )
SELECT
  run, rank, epoch, max(first_kernel) AS first_kernel, max(last_kernel) AS last_kernel,
  count(ratio) AS compared_batches,
  avg(ratio) AS mean_ratio, min(ratio) AS min_ratio, max(ratio) AS max_ratio
FROM pairs
GROUP BY run_id, epoch
ORDER BY run_id, epoch
LIMIT coalesce(:limit, -1);
