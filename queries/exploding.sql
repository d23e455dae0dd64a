-- title: Which gradients explode?
-- explanation: One row for each run, weight and rule that says so; no row when nothing explodes.
--   Rule "nonfinite": the gradient has a NaN or infinite element. Rule "absolute": the norm is
--   above :threshold. Rule "last layer" (kernels other than the first, whose gradient carries the
--   scale of the inputs): the norm is above :ratio of the last kernel's norm in the same batch
--   and above :floor, for at least :consecutive batches of an optimizer in a row. Rule "history":
--   the norm is above :growth times the largest norm that any weight had in the first half of the
--   run up to the jump; hits count from the jump on. A jump is a batch that exceeds that and
--   :floor, with a loss (where recorded) higher than before, and the next batches, :consecutive
--   in all, stay above or become non-finite; a jump within the first :warm_up batches must lead
--   to :certain times.
--   It lies when a run was recorded only after it had exploded, and "absolute" depends on the
--   units of the loss. With :epoch_from, history begins there.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- parameter :threshold REAL = 1e10: norm (E3, msprobe AnomalyNan)
-- parameter :ratio REAL = 70: multiple of the last kernel's norm (E4, AutoTrainer)
-- parameter :growth REAL = 10: multiple of the largest earlier norm (E7, Megatron)
-- parameter :floor REAL = 1: norm that neither last layer nor history calls too large (the customary clipping norm; by calibration)
-- parameter :certain REAL = 1000: multiple that convinces within the warm-up (by calibration)
-- parameter :warm_up INTEGER = 8: batches whose norms may still differ by chance (by calibration)
-- parameter :consecutive INTEGER = 3: batches in a row (V7, nnue-pytorch#55)
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column rule TEXT: nonfinite, absolute, last layer or history
-- column hit_batches INTEGER (batches): batches that broke the rule
-- column recorded_batches INTEGER (batches): batches with a gradient of this weight
-- column first_epoch INTEGER: epoch of the first hit
-- column first_batch INTEGER: batch of the first hit
-- column last_epoch INTEGER: epoch of the last hit
-- column last_batch INTEGER: batch of the last hit
-- column worst REAL (elements for nonfinite, norm for absolute, else a ratio of norms): largest value; NULL for history when every norm before was 0
-- column threshold REAL (as worst): value above which the rule is broken
WITH RECURSIVE
  levels AS MATERIALIZED (
    -- The size of a batch's gradients as one number; infinity when one is not finite.
    SELECT
      run_id, optimizer, batch_id,
      row_number() OVER (PARTITION BY run_id, optimizer ORDER BY batch_id) - 1 AS number,
      level, max(level) OVER so_far AS top_level,
      -- Backwards: a frame that ends at UNBOUNDED FOLLOWING takes quadratic time in SQLite.
      max(level) OVER (PARTITION BY run_id, optimizer ORDER BY batch_id DESC) AS peak_ahead,
      max(loss) OVER so_far AS top_loss,
      max(loss) OVER (so_far ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) AS loss_ahead
    FROM (
      SELECT
        run_id, optimizer, batch_id, CASE WHEN loss_is_nan THEN 9e999 ELSE loss END AS loss,
        CASE WHEN max(nan_count + posinf_count + neginf_count) > 0 THEN 9e999 ELSE max(norm) END
          AS level
      FROM gradients
      WHERE NOT absent AND (:run IS NULL OR run = :run)
        AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
      GROUP BY batch_id
    )
    WINDOW so_far AS (PARTITION BY run_id, optimizer ORDER BY batch_id)
  ),
  candidates AS MATERIALIZED (
    SELECT now.run_id, now.optimizer, now.number, now.batch_id,
      max(coalesce(:growth, 10) * before.top_level, coalesce(:floor, 1)) AS bar,
      before.top_level AS baseline
    FROM levels AS now JOIN levels AS before
      ON before.run_id = now.run_id AND before.optimizer = now.optimizer
        AND before.number = (now.number - 1) / 2
    WHERE now.number > 0 AND bar < now.level
      AND coalesce(now.loss_ahead > before.top_loss, 1)
      AND (now.number >= coalesce(:warm_up, 8)
        OR now.peak_ahead >= coalesce(:certain, 1000) * before.top_level)
  ),
  offsets(ahead) AS (
    VALUES (0)
    UNION ALL
    SELECT ahead + 1 FROM offsets WHERE ahead + 1 < coalesce(:consecutive, 3)
  ),
  sustained AS (
    SELECT candidates.*
    -- CROSS JOIN keeps this order: the last is then found by an index, not by a scan for each.
    FROM candidates CROSS JOIN offsets CROSS JOIN levels
      ON levels.run_id = candidates.run_id AND levels.optimizer = candidates.optimizer
        AND levels.number = candidates.number + ahead
    GROUP BY candidates.batch_id
    HAVING min(levels.level) > bar
      AND (count(*) = coalesce(:consecutive, 3) OR max(levels.level) = 9e999)
  ),
  jumps AS MATERIALIZED (
    -- With min(), SQLite takes the other columns from the row that has the minimum.
    SELECT run_id, optimizer, min(batch_id) AS jump_batch_id, baseline, bar
    FROM sustained GROUP BY run_id, optimizer
  ),
  last_kernels AS MATERIALIZED (
    SELECT batch_id, max(position) AS last_position, norm AS last_norm
    FROM gradients
    WHERE NOT absent AND instr(shape, ',') > 0
      AND (:run IS NULL OR run = :run)
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY batch_id
  ),
  first_kernels AS MATERIALIZED (
    SELECT run_id, min(position) AS first_position
    FROM weights WHERE instr(shape, ',') > 0 GROUP BY run_id
  ),
  suspects AS MATERIALIZED (
    SELECT
      gradients.weight_id, gradients.batch_id, levels.optimizer, levels.number, norm, last_norm,
      baseline,
      nan_count + posinf_count + neginf_count AS nonfinite_count,
      norm > coalesce(:threshold, 1e10) AS by_size,
      instr(shape, ',') > 0 AND position > first_position AND position < last_position
        AND norm > coalesce(:ratio, 70) * last_norm AND norm > coalesce(:floor, 1)
        AND last_norm > 0 AS by_last_layer,
      gradients.batch_id >= jump_batch_id AND norm > bar AS by_history
    FROM gradients
    JOIN levels ON levels.batch_id = gradients.batch_id
    LEFT JOIN last_kernels ON last_kernels.batch_id = gradients.batch_id
    LEFT JOIN first_kernels ON first_kernels.run_id = gradients.run_id
    LEFT JOIN jumps ON jumps.run_id = gradients.run_id AND jumps.optimizer = gradients.optimizer
    WHERE NOT absent AND (nonfinite_count > 0 OR by_size OR by_last_layer OR by_history)
      AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
  ),
  hits AS (
    SELECT weight_id, batch_id, optimizer, number, 'nonfinite' AS rule,
      1.0 * nonfinite_count AS value, 0.0 AS threshold, 1 AS needed
    FROM suspects WHERE nonfinite_count > 0
    UNION ALL
    SELECT weight_id, batch_id, optimizer, number, 'absolute', norm,
      1.0 * coalesce(:threshold, 1e10), 1
    FROM suspects WHERE by_size
    UNION ALL
    SELECT weight_id, batch_id, optimizer, number, 'last layer', norm / last_norm,
      1.0 * coalesce(:ratio, 70), coalesce(:consecutive, 3)
    FROM suspects WHERE by_last_layer
    UNION ALL
    SELECT weight_id, batch_id, optimizer, number, 'history', norm / baseline,
      1.0 * coalesce(:growth, 10), 1
    FROM suspects WHERE by_history
  ),
  hits_by_streak AS (
    -- Within a streak the batch's number and the hit's own rank grow together.
    SELECT *,
      number - row_number() OVER (PARTITION BY weight_id, rule, optimizer ORDER BY number) AS streak
    FROM hits
  ),
  streaks AS (
    SELECT weight_id, rule, threshold, count(*) AS hit_batches, max(value) AS worst,
      min(batch_id) AS first_batch_id, max(batch_id) AS last_batch_id
    FROM hits_by_streak
    GROUP BY weight_id, rule, optimizer, streak
    HAVING count(*) >= needed
  ),
  findings_by_rule AS (
    SELECT weight_id, rule, threshold, sum(hit_batches) AS hit_batches, max(worst) AS worst,
      min(first_batch_id) AS first_batch_id, max(last_batch_id) AS last_batch_id
    FROM streaks
    GROUP BY weight_id, rule
  ),
  recorded AS (
    SELECT weight_id, count(*) AS recorded_batches
    FROM gradients
    WHERE NOT absent AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY weight_id
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
