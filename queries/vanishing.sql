-- title: Which gradients vanish?
-- explanation: One row for each run, weight and rule that says so; no row when nothing vanishes.
--   Rule "absolute": the mean of |g| over the non-zero elements is below :threshold while the
--   last layer still has :alive of the largest norm it had before, so that a network that has
--   finished learning is not accused. Rule "last layer" (kernels, that is shapes of two or more
--   dimensions): the norm is below :ratio of the last kernel's norm in the same batch, and below
--   :small, or :small of that norm where it is above 1. Rule "history": the norm is below :drop
--   of the average of its own preceding norms while the last layer's is not. Only streaks of at
--   least :consecutive recorded batches count.
--   It lies when the last layer is saturated itself, and when a run was recorded only after it
--   had converged. A gradient that is exactly zero only counts under "last layer": see the
--   question dead. With :epoch_from, history begins there. Batches with a non-finite element in
--   the gradient are left out: see the question nonfinite.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- parameter :threshold REAL = 1e-7: mean |g| below which a gradient vanishes (V1, SageMaker VanishingGradient)
-- parameter :ratio REAL = 1e-3: share of the last kernel's norm (V3, AutoTrainer beta 1)
-- parameter :small REAL = 1e-4: norm that is small in itself (V3, AutoTrainer beta 2; scaled for losses with large gradients, by calibration)
-- parameter :drop REAL = 1e-3: share of its own average norm so far (V3's ratio, against history; by calibration)
-- parameter :alive REAL = 0.1: share of its former norm at which the last layer still learns (by calibration)
-- parameter :consecutive INTEGER = 3: recorded batches in a row (V7, nnue-pytorch#55)
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column rule TEXT: absolute, last layer or history
-- column hit_batches INTEGER (batches): batches that broke the rule, in streaks of :consecutive or more
-- column recorded_batches INTEGER (batches): batches with a finite gradient of this weight
-- column first_epoch INTEGER: epoch of the first hit
-- column first_batch INTEGER: batch of the first hit
-- column last_epoch INTEGER: epoch of the last hit
-- column last_batch INTEGER: batch of the last hit
-- column worst REAL (mean |g| for absolute, else a ratio of norms): smallest value
-- column threshold REAL (as worst): value below which the rule is broken
WITH
  last_kernels AS MATERIALIZED (
    -- With max(), SQLite takes the other columns from the row that has the maximum.
    SELECT batch_id, norm AS last_norm, max(position) AS last_position
    FROM gradients
    WHERE NOT absent AND instr(shape, ',') > 0
      AND (:run IS NULL OR run = :run)
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY batch_id
  ),
  series AS MATERIALIZED (
    SELECT
      gradients.weight_id, gradients.batch_id, position, last_position, norm,
      sum_abs / nullif(finite_count - zero_count, 0) AS mean_abs_nonzero,
      CASE WHEN instr(shape, ',') > 0 THEN last_norm END AS kernel_reference,
      avg(norm) OVER preceding AS usual_norm,
      last_norm >= coalesce(:alive, 0.1) * coalesce(max(last_norm) OVER preceding, last_norm)
        AS last_is_alive,
      last_norm >= coalesce(:alive, 0.1) * avg(last_norm) OVER preceding AS last_is_usual,
      row_number() OVER (PARTITION BY gradients.weight_id ORDER BY gradient_id) AS number
    FROM gradients LEFT JOIN last_kernels USING (batch_id)
    -- Equality on a statistic would make SQLite index all of them, hence NOT and <=.
    WHERE NOT absent AND norm IS NOT NULL AND nan_count + posinf_count + neginf_count <= 0
      AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    WINDOW preceding AS (
      PARTITION BY gradients.weight_id ORDER BY gradient_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  ),
  suspects AS MATERIALIZED (
    SELECT
      *,
      -- A network without any kernel of two dimensions has no last layer to compare with. The
      -- bias of the last layer reaches its optimum long before the rest: no fault of the network.
      mean_abs_nonzero < coalesce(:threshold, 1e-7) AND coalesce(last_is_alive, 1)
        AND coalesce(position <= last_position, 1) AS by_size,
      norm < coalesce(:ratio, 1e-3) * kernel_reference
        AND norm < coalesce(:small, 1e-4) * max(1.0, kernel_reference) AS by_last_layer,
      norm > 0 AND norm < coalesce(:drop, 1e-3) * usual_norm AND last_is_usual
        AND position < last_position AS by_history
    FROM series
    WHERE by_size OR by_last_layer OR by_history
  ),
  hits AS (
    SELECT weight_id, batch_id, number, 'absolute' AS rule,
      mean_abs_nonzero AS value, 1.0 * coalesce(:threshold, 1e-7) AS threshold
    FROM suspects WHERE by_size
    UNION ALL
    SELECT weight_id, batch_id, number, 'last layer',
      norm / kernel_reference, 1.0 * coalesce(:ratio, 1e-3)
    FROM suspects WHERE by_last_layer
    UNION ALL
    SELECT weight_id, batch_id, number, 'history', norm / usual_norm, 1.0 * coalesce(:drop, 1e-3)
    FROM suspects WHERE by_history
  ),
  hits_by_streak AS (
    -- Within a streak the batch's number and the hit's own rank grow together.
    SELECT *, number - row_number() OVER (PARTITION BY weight_id, rule ORDER BY number) AS streak
    FROM hits
  ),
  streaks AS (
    SELECT weight_id, rule, threshold, count(*) AS hit_batches, min(value) AS worst,
      min(batch_id) AS first_batch_id, max(batch_id) AS last_batch_id
    FROM hits_by_streak
    GROUP BY weight_id, rule, streak
    HAVING count(*) >= coalesce(:consecutive, 3)
  ),
  findings_by_rule AS (
    SELECT weight_id, rule, threshold, sum(hit_batches) AS hit_batches, min(worst) AS worst,
      min(first_batch_id) AS first_batch_id, max(last_batch_id) AS last_batch_id
    FROM streaks
    GROUP BY weight_id, rule
  ),
  recorded AS (
    SELECT weight_id, count(*) AS recorded_batches FROM series GROUP BY weight_id
  )
SELECT
  runs.name AS run, runs.rank, weights.name AS weight, weights.position, rule,
  hit_batches, recorded_batches,
  first.epoch AS first_epoch, first.batch AS first_batch,
  last.epoch AS last_epoch, last.batch AS last_batch, worst, threshold
FROM findings_by_rule
JOIN recorded USING (weight_id)
JOIN weights USING (weight_id)
JOIN runs USING (run_id)
JOIN batches AS first ON first.batch_id = first_batch_id
JOIN batches AS last ON last.batch_id = last_batch_id
ORDER BY runs.run_id, weights.position, rule
LIMIT coalesce(:limit, -1);
