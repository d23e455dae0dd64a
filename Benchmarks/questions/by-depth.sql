-- The question by-depth over one DuckDB table that has the columns of the view gradients.
WITH medians AS (
  SELECT
    weight_id, any_value(run_id) AS run_id, any_value(run) AS run, any_value(rank) AS rank,
    any_value(weight) AS weight, any_value(position) AS position, any_value(shape) AS shape,
    count(*) AS finite_batches, quantile_disc({'norm': norm, 'rms': rms}, 0.5) AS median,
    min(norm) AS min_norm, max(norm) AS max_norm
  FROM gradients
  WHERE norm IS NOT NULL
  GROUP BY weight_id
)
SELECT
  run, rank, weight, position, shape, finite_batches, median.norm AS median_norm, min_norm, max_norm,
  median.rms AS median_rms
FROM medians
ORDER BY run_id, position;
