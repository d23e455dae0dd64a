-- title: How much of the gradient would a smaller type lose?
-- explanation: One row for each run and weight: the share of the finite non-zero elements, over
--   all batches, that rounding to the type would turn into zero. Loss scaling lifts it: a factor
--   of 2^k moves every element k binary exponents up. It lies when the gradients were recorded in
--   such a type already: what underflowed before is counted as zero, see zero_share.
-- parameter :run TEXT = NULL: exact name of a run; NULL: every run
-- parameter :weight TEXT = NULL: GLOB pattern of weight names; NULL: every weight
-- parameter :epoch_from INTEGER = NULL: first epoch to look at; NULL: from the beginning
-- parameter :epoch_to INTEGER = NULL: last epoch to look at; NULL: to the end
-- parameter :limit INTEGER = NULL: most rows to return; NULL: all
-- parameter :threshold REAL = 0: leave out weights of which every share is below this (V8 warns from a few per cent on)
-- column run TEXT: name of the run
-- column rank INTEGER: process of a distributed run
-- column weight TEXT: name of the weight
-- column position INTEGER: order of the weight from the input on
-- column dtype TEXT: type in which the gradient was recorded
-- column nonzero_elements INTEGER (elements): finite non-zero elements over all batches
-- column zero_share REAL (share, 0 to 1): elements equal to zero; NULL for an empty tensor
-- column float16_share REAL (share, 0 to 1): would become zero in float16; NULL when there is no non-zero element
-- column bfloat16_share REAL (share, 0 to 1): would become zero in bfloat16; NULL when there is no non-zero element
-- column float8_e4m3_share REAL (share, 0 to 1): would become zero in float8_e4m3; NULL when there is no non-zero element
-- column float8_e5m2_share REAL (share, 0 to 1): would become zero in float8_e5m2; NULL when there is no non-zero element
WITH
  totals AS (
    SELECT
      run_id, run, rank, weight, position, dtype, weight_id,
      sum(finite_count - zero_count) AS nonzero_elements,
      1.0 * sum(zero_count) / nullif(sum(element_count), 0) AS zero_share,
      sum(float16_underflow * (finite_count - zero_count))
        / nullif(sum(finite_count - zero_count), 0) AS float16_share,
      sum(bfloat16_underflow * (finite_count - zero_count))
        / nullif(sum(finite_count - zero_count), 0) AS bfloat16_share,
      sum(float8_e4m3_underflow * (finite_count - zero_count))
        / nullif(sum(finite_count - zero_count), 0) AS float8_e4m3_share,
      sum(float8_e5m2_underflow * (finite_count - zero_count))
        / nullif(sum(finite_count - zero_count), 0) AS float8_e5m2_share
    FROM gradients
    WHERE NOT absent AND (:run IS NULL OR run = :run)
      AND weight GLOB coalesce(:weight, '*')
      AND epoch BETWEEN coalesce(:epoch_from, 0) AND coalesce(:epoch_to, 9223372036854775807)
    GROUP BY weight_id
  )
SELECT
  run, rank, weight, position, dtype, nonzero_elements, zero_share,
  float16_share, bfloat16_share, float8_e4m3_share, float8_e5m2_share
FROM totals
WHERE coalesce(max(float16_share, bfloat16_share, float8_e4m3_share, float8_e5m2_share), 0)
  >= coalesce(:threshold, 0)
ORDER BY run_id, position
LIMIT coalesce(:limit, -1);
