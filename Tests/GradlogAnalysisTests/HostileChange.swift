/// What may be wrong with a file that SQLite reads all the same.
enum HostileChange {
  static let all = [
    "UPDATE weights SET shape = '[4611686018427387904,3]', element_count = -9223372036854775808",
    "UPDATE weights SET shape = 'x', dtype = 'y', position = -9223372036854775808 - position",
    "UPDATE gradient_statistics SET zero_count = 9223372036854775807, nan_count = 9223372036854775807",
    "UPDATE gradient_statistics SET posinf_count = -9223372036854775808, norm = 'text', sum_abs = x'00'",
    "UPDATE gradient_statistics SET zero_rows = -5, zero_columns = 9223372036854775807, cosine = 1e300",
    "UPDATE gradient_statistics SET weight_id = weight_id % 5 + 1",
    "UPDATE batches SET step = 9223372036854775807 * (batch % 2 * 2 - 1), epoch = -1 - epoch",
    "UPDATE batches SET loss = 'text', loss_scale = -1e300, optimizer = x'FF00'",
    "UPDATE batches SET gradient_count = 9223372036854775807, first_gradient_id = 9223372036854775807",
    "UPDATE batches SET gradient_count = -1", "DELETE FROM weights", "DELETE FROM batches",
    "DELETE FROM runs", "UPDATE OR IGNORE batches SET run_id = 3 - run_id",
    "UPDATE OR IGNORE weights SET run_id = 99",
    "UPDATE OR REPLACE findings SET optimizer = x'FF00'",
    """
    INSERT OR REPLACE INTO freezings SELECT weight_id, batch_id * 9223372036854775807,
      batch_id % 3 - 1 FROM weights JOIN batches WHERE batch_id % 7 < 2
    """,
    "INSERT INTO freezings SELECT -weight_id, batch_id, 'text' FROM weights JOIN batches",
    "UPDATE weights SET frozen = 'x'; INSERT INTO freezings SELECT weight_id, batch_id, 1 FROM weights JOIN batches",
    "UPDATE gradient_series SET zero_counts_blob = randomblob(length(norms_blob))",
    "UPDATE gradient_series SET zero_slices_blob = randomblob(length(norms_blob))",
    "UPDATE gradient_series SET cosines_blob = randomblob(length(norms_blob) / 2)",
    "UPDATE gradient_series SET norms_blob = randomblob(length(norms_blob))",
    "UPDATE gradient_series SET nonfinite_blob = randomblob(3 * length(norms_blob))",
    "UPDATE gradient_series SET weight_ids_blob = zeroblob(length(weight_ids_blob))",
  ]
}
