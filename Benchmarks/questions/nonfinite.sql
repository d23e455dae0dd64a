-- The question nonfinite over one DuckDB table that has the columns of the view gradients.
WITH counts AS (
  SELECT
    weight_id, any_value(run_id) AS run_id, any_value(run) AS run, any_value(rank) AS rank,
    any_value(weight) AS weight, any_value(position) AS position,
    count(*) FILTER (WHERE bad > 0) AS nonfinite_batches, count(*) AS recorded_batches,
    sum(nan_count)::BIGINT AS nan_elements, sum(posinf_count)::BIGINT AS posinf_elements,
    sum(neginf_count)::BIGINT AS neginf_elements,
    arg_min({'id': batch_id, 'epoch': epoch, 'batch': batch, 'loss': loss}, batch_id)
      FILTER (WHERE bad > 0) AS first,
    arg_max({'epoch': epoch, 'batch': batch}, batch_id) FILTER (WHERE bad > 0) AS last
  FROM (SELECT *, nan_count + posinf_count + neginf_count AS bad FROM gradients WHERE absent = 0)
  GROUP BY weight_id
)
SELECT
  run, rank, weight, position, nonfinite_batches, recorded_batches, nan_elements, posinf_elements,
  neginf_elements, first.epoch AS first_epoch, first.batch AS first_batch, last.epoch AS last_epoch,
  last.batch AS last_batch, first.loss AS first_loss
FROM counts
WHERE nonfinite_batches > 0
ORDER BY run_id, first.id, position DESC;
