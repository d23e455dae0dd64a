-- The question vanishing, its defaults filled in, over one DuckDB table that has the columns of the view
-- gradients.
WITH
  last_kernels AS MATERIALIZED (
    SELECT batch_id, arg_max(norm, position) AS last_norm, max(position) AS last_position
    FROM gradients
    WHERE absent = 0 AND contains(shape, ',')
    GROUP BY batch_id
  ),
  series AS MATERIALIZED (
    SELECT
      weight_id, gradients.batch_id, position, last_position, norm,
      sum_abs / nullif(finite_count - zero_count, 0) AS mean_abs_nonzero,
      CASE WHEN contains(shape, ',') THEN last_norm END AS kernel_reference,
      avg(norm) OVER preceding AS usual_norm,
      last_norm >= 0.1 * coalesce(max(last_norm) OVER preceding, last_norm) AS last_is_alive,
      last_norm >= 0.1 * avg(last_norm) OVER preceding AS last_is_usual,
      row_number() OVER (PARTITION BY weight_id ORDER BY gradient_id) AS number
    FROM gradients LEFT JOIN last_kernels USING (batch_id)
    WHERE absent = 0 AND norm IS NOT NULL AND nan_count + posinf_count + neginf_count = 0
    WINDOW preceding AS (
      PARTITION BY weight_id ORDER BY gradient_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
  ),
  suspects AS MATERIALIZED (
    SELECT
      *,
      mean_abs_nonzero < 1e-7 AND coalesce(last_is_alive, true)
        AND coalesce(position <= last_position, true) AS by_size,
      norm < 1e-3 * kernel_reference AND norm < 1e-4 * greatest(1.0, kernel_reference)
        AS by_last_layer,
      norm > 0 AND norm < 1e-3 * usual_norm AND last_is_usual AND position < last_position
        AS by_history
    FROM series
    WHERE by_size OR by_last_layer OR by_history
  ),
  hits AS (
    SELECT weight_id, batch_id, number, 'absolute' AS rule, mean_abs_nonzero AS value,
      1e-7 AS threshold
    FROM suspects WHERE by_size
    UNION ALL
    SELECT weight_id, batch_id, number, 'last layer', norm / kernel_reference, 1e-3
    FROM suspects WHERE by_last_layer
    UNION ALL
    SELECT weight_id, batch_id, number, 'history', norm / usual_norm, 1e-3
    FROM suspects WHERE by_history
  ),
  hits_by_streak AS (
    SELECT *, number - row_number() OVER (PARTITION BY weight_id, rule ORDER BY number) AS streak
    FROM hits
  ),
  streaks AS (
    SELECT weight_id, rule, threshold, count(*) AS hit_batches, min(value) AS worst,
      min(batch_id) AS first_batch_id, max(batch_id) AS last_batch_id
    FROM hits_by_streak
    GROUP BY weight_id, rule, threshold, streak
    HAVING count(*) >= 3
  ),
  findings_by_rule AS (
    SELECT weight_id, rule, threshold, sum(hit_batches)::BIGINT AS hit_batches, min(worst) AS worst,
      min(first_batch_id) AS first_batch_id, max(last_batch_id) AS last_batch_id
    FROM streaks
    GROUP BY weight_id, rule, threshold
  ),
  recorded AS (
    SELECT weight_id, any_value(run_id) AS run_id, any_value(run) AS run, any_value(rank) AS rank,
      any_value(weight) AS weight, any_value(position) AS position, count(*) AS recorded_batches
    FROM gradients
    WHERE absent = 0 AND norm IS NOT NULL AND nan_count + posinf_count + neginf_count = 0
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
