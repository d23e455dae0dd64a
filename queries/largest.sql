-- title: Which single gradients are the largest?
-- explanation: One row for each gradient of one batch, the largest norm first. The norm is over
--   finite elements; a gradient without any has no norm and is in the question nonfinite.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = 20: most rows to return; -1: all
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column epoch INTEGER: zero-based
-- column batch INTEGER: zero-based, restarts in each epoch
-- column step INTEGER (optimizer steps): zero-based count in the run
-- column norm REAL (of g): over the finite elements
-- column max_abs REAL (of g): largest |g| of the finite elements
-- column mean_abs REAL (of g): mean of |g| over the finite elements
-- column loss REAL (as trained): loss of the batch; NULL when NaN or not recorded
SELECT
  run, rank, weight, position, epoch, batch, step, norm, max_abs, mean_abs, loss
FROM gradients
WHERE norm IS NOT NULL AND (:run IS NULL OR run = :run)
  AND weight GLOB coalesce(:weight, '*')
  AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
ORDER BY norm DESC, gradient_id
LIMIT coalesce(:limit, 20);
