-- The question exploding, its defaults filled in, over one DuckDB table that has the columns of the view
-- gradients.
WITH
  batch_levels AS (
    SELECT
      any_value(run_id) AS run_id, any_value(optimizer) AS optimizer, batch_id,
      any_value(CASE WHEN loss_is_nan = 1 THEN 'inf'::DOUBLE ELSE loss END) AS loss,
      CASE WHEN max(nan_count + posinf_count + neginf_count) > 0 THEN 'inf'::DOUBLE ELSE max(norm) END
        AS level
    FROM gradients
    WHERE absent = 0
    GROUP BY batch_id
  ),
  levels AS MATERIALIZED (
    SELECT
      run_id, optimizer, batch_id, row_number() OVER so_far - 1 AS number, level,
      max(level) OVER so_far AS top_level,
      max(level) OVER (so_far ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS peak_ahead,
      max(loss) OVER so_far AS top_loss,
      max(loss) OVER (so_far ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) AS loss_ahead
    FROM batch_levels
    WINDOW so_far AS (PARTITION BY run_id, optimizer ORDER BY batch_id)
  ),
  candidates AS MATERIALIZED (
    SELECT now.run_id, now.optimizer, now.number, now.batch_id, 10 * before.top_level AS bar,
      before.top_level AS baseline
    FROM levels AS now JOIN levels AS before
      ON before.run_id = now.run_id AND before.optimizer = now.optimizer
        AND before.number = (now.number - 1) // 2
    WHERE now.number > 0 AND now.level > 10 * before.top_level AND now.level > 1
      AND coalesce(now.loss_ahead > before.top_loss, true)
      AND (now.number >= 8 OR now.peak_ahead >= 1000 * before.top_level)
  ),
  sustained AS (
    SELECT candidates.run_id, candidates.optimizer, candidates.batch_id, bar, baseline
    FROM candidates JOIN levels
      ON levels.run_id = candidates.run_id AND levels.optimizer = candidates.optimizer
        AND levels.number BETWEEN candidates.number AND candidates.number + 2
    GROUP BY ALL
    HAVING min(levels.level) > bar AND (count(*) = 3 OR max(levels.level) = 'inf')
  ),
  jumps AS MATERIALIZED (
    SELECT run_id, optimizer, min(batch_id) AS jump_batch_id, arg_min(baseline, batch_id) AS baseline,
      arg_min(bar, batch_id) AS bar
    FROM sustained GROUP BY run_id, optimizer
  ),
  last_kernels AS MATERIALIZED (
    SELECT batch_id, max(position) AS last_position, arg_max(norm, position) AS last_norm
    FROM gradients
    WHERE absent = 0 AND contains(shape, ',')
    GROUP BY batch_id
  ),
  first_kernels AS MATERIALIZED (
    SELECT run_id, min(position) AS first_position
    FROM gradients WHERE contains(shape, ',') GROUP BY run_id
  ),
  suspects AS MATERIALIZED (
    SELECT
      weight_id, gradients.batch_id, levels.number, norm, last_norm, baseline,
      nan_count + posinf_count + neginf_count AS nonfinite_count, norm > 1e10 AS by_size,
      contains(shape, ',') AND position > first_position AND position < last_position
        AND norm > 70 * last_norm AND norm > 1 AS by_last_layer,
      gradients.batch_id >= jump_batch_id AND norm > bar AS by_history
    FROM gradients
    JOIN levels ON levels.batch_id = gradients.batch_id
    LEFT JOIN last_kernels ON last_kernels.batch_id = gradients.batch_id
    LEFT JOIN first_kernels ON first_kernels.run_id = gradients.run_id
    LEFT JOIN jumps ON jumps.run_id = gradients.run_id AND jumps.optimizer = gradients.optimizer
    WHERE absent = 0 AND (nonfinite_count > 0 OR by_size OR by_last_layer OR by_history)
  ),
  hits AS (
    SELECT weight_id, batch_id, number, 'nonfinite' AS rule, nonfinite_count::DOUBLE AS value,
      0.0::DOUBLE AS threshold, 1 AS needed
    FROM suspects WHERE nonfinite_count > 0
    UNION ALL
    SELECT weight_id, batch_id, number, 'absolute', norm, 1e10, 1 FROM suspects WHERE by_size
    UNION ALL
    SELECT weight_id, batch_id, number, 'last layer', norm / nullif(last_norm, 0), 70.0, 3
    FROM suspects WHERE by_last_layer
    UNION ALL
    SELECT weight_id, batch_id, number, 'history', norm / baseline, 10.0, 1
    FROM suspects WHERE by_history
  ),
  hits_by_streak AS (
    SELECT *, number - row_number() OVER (PARTITION BY weight_id, rule ORDER BY number) AS streak
    FROM hits
  ),
  streaks AS (
    SELECT weight_id, rule, threshold, count(*) AS hit_batches, max(value) AS worst,
      min(batch_id) AS first_batch_id, max(batch_id) AS last_batch_id
    FROM hits_by_streak
    GROUP BY weight_id, rule, threshold, needed, streak
    HAVING count(*) >= needed
  ),
  findings_by_rule AS (
    SELECT weight_id, rule, threshold, sum(hit_batches)::BIGINT AS hit_batches, max(worst) AS worst,
      min(first_batch_id) AS first_batch_id, max(last_batch_id) AS last_batch_id
    FROM streaks
    GROUP BY weight_id, rule, threshold
  ),
  recorded AS (
    SELECT weight_id, any_value(run_id) AS run_id, any_value(run) AS run, any_value(rank) AS rank,
      any_value(weight) AS weight, any_value(position) AS position, count(*) AS recorded_batches
    FROM gradients
    WHERE absent = 0
    GROUP BY weight_id
  ),
  places AS (
    -- Not a join with gradients: without statistics, as over Parquet, DuckDB may join in an order that
    -- makes every pair of a weight's rows.
    SELECT batch_id, any_value(epoch) AS epoch, any_value(batch) AS batch
    FROM gradients
    WHERE batch_id IN (SELECT unnest([first_batch_id, last_batch_id]) FROM findings_by_rule)
    GROUP BY batch_id
  )
SELECT
  run, rank, weight, position, rule, hit_batches, recorded_batches, first.epoch AS first_epoch,
  first.batch AS first_batch, last.epoch AS last_epoch, last.batch AS last_batch, worst, threshold
FROM findings_by_rule
JOIN recorded USING (weight_id)
JOIN places AS first ON first.batch_id = first_batch_id
JOIN places AS last ON last.batch_id = last_batch_id
ORDER BY run_id, position, rule;
