"""Answers a question, or exports, with pandas or polars over a Parquet file: frames.py ENGINE TASK FILE OUTPUT"""

import sys


def pandas_by_depth(path, output):
    import pandas

    columns = ["run", "rank", "weight", "position", "shape", "weight_id", "norm", "rms"]
    frame = pandas.read_parquet(path, columns=columns).dropna(subset="norm")
    groups = frame.groupby("weight_id")
    answer = groups[["run", "rank", "weight", "position", "shape"]].first()
    answer["finite_batches"] = groups.size()
    answer["median_norm"] = groups["norm"].quantile(0.5, interpolation="lower")
    answer["min_norm"] = groups["norm"].min()
    answer["max_norm"] = groups["norm"].max()
    is_median = frame["norm"] == frame["weight_id"].map(answer["median_norm"])
    answer["median_rms"] = frame[is_median].groupby("weight_id")["rms"].first()
    answer.sort_values("position").to_csv(output, index=False)


def pandas_nonfinite(path, output):
    import pandas

    counts = ["nan_count", "posinf_count", "neginf_count"]
    keys = ["run", "rank", "weight", "position", "epoch", "batch", "loss"]
    frame = pandas.read_parquet(path, columns=[*keys, "weight_id", "batch_id", "absent", *counts])
    frame = frame[frame["absent"] == 0]
    recorded = frame.groupby("weight_id").size()
    bad = frame[frame[counts].sum(axis=1) > 0].sort_values("batch_id")
    groups = bad.groupby("weight_id")
    first, last = groups.first(), groups.last()
    answer = first[["run", "rank", "weight", "position"]]
    answer = answer.assign(
        nonfinite_batches=groups.size(),
        recorded_batches=recorded,
        nan_elements=groups["nan_count"].sum(),
        posinf_elements=groups["posinf_count"].sum(),
        neginf_elements=groups["neginf_count"].sum(),
        first_epoch=first["epoch"],
        first_batch=first["batch"],
        last_epoch=last["epoch"],
        last_batch=last["batch"],
        first_loss=first["loss"],
    )
    answer.assign(id=first["batch_id"]).sort_values("id").drop(columns="id").to_csv(output, index=False)


def pandas_export(path, output):
    import pandas

    pandas.read_parquet(path).to_csv(output, index=False)


def polars_by_depth(path, output):
    import polars
    from polars import col

    keys = ["run", "rank", "weight", "position", "shape"]
    (
        polars.scan_parquet(path)
        .filter(col("norm").is_not_null())
        .group_by("weight_id")
        .agg(
            *[col(key).first() for key in keys],
            polars.len().alias("finite_batches"),
            col("norm").quantile(0.5, "lower").alias("median_norm"),
            col("norm").min().alias("min_norm"),
            col("norm").max().alias("max_norm"),
            col("rms").get((col("norm") - col("norm").quantile(0.5, "lower")).abs().arg_min()).alias("median_rms"),
        )
        .sort("position")
        .drop("weight_id")
        .collect()
        .write_csv(output)
    )


def polars_nonfinite(path, output):
    import polars
    from polars import col

    bad = col("nan_count") + col("posinf_count") + col("neginf_count") > 0
    first, last = col("batch_id").filter(bad).arg_min(), col("batch_id").filter(bad).arg_max()
    (
        polars.scan_parquet(path)
        .filter(col("absent") == 0)
        .group_by("weight_id")
        .agg(
            *[col(key).first() for key in ["run", "rank", "weight", "position"]],
            bad.sum().alias("nonfinite_batches"),
            polars.len().alias("recorded_batches"),
            col("nan_count").sum().alias("nan_elements"),
            col("posinf_count").sum().alias("posinf_elements"),
            col("neginf_count").sum().alias("neginf_elements"),
            col("epoch").filter(bad).get(first, null_on_oob=True).alias("first_epoch"),
            col("batch").filter(bad).get(first, null_on_oob=True).alias("first_batch"),
            col("epoch").filter(bad).get(last, null_on_oob=True).alias("last_epoch"),
            col("batch").filter(bad).get(last, null_on_oob=True).alias("last_batch"),
            col("loss").filter(bad).get(first, null_on_oob=True).alias("first_loss"),
        )
        .filter(col("nonfinite_batches") > 0)
        .sort("first_epoch", "first_batch", "position", descending=[False, False, True])
        .drop("weight_id")
        .collect()
        .write_csv(output)
    )


def polars_export(path, output):
    import polars

    polars.scan_parquet(path).sink_csv(output)


if __name__ == "__main__":
    engine, task, path, output = sys.argv[1:]
    globals()[f"{engine}_{task.replace('-', '_')}"](path, output)
