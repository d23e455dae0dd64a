"""Turns what was measured on the write side into markdown."""

from . import recording

MB = 1e6
MS = 1e-3


def number(value, unit=1):
    """Three digits, at most two of them after the point; a dash when there is no value."""
    if value is None:
        return "-"
    value /= unit
    digits = 0 if value >= 99.5 else 1 if value >= 9.95 else 2
    return f"{value:,.{digits}f}"


def ratio(value, base):
    return None if value is None or not base else value / base


def markdown(header: list[str], rows: list[list[str]]) -> list[str]:
    right = [all(row[index][:1] in "-~0123456789≤" for row in rows) for index in range(len(header))]
    lines = [" | ".join(header), " | ".join("---:" if side else "---" for side in right)]
    lines += [" | ".join(row) for row in rows]
    return [f"| {line} |" for line in lines]


def case(cases, name, keeps=None):
    return next((each for each in cases if each.name == name and keeps in (None, each.keeps)), None)


def limit(cases):
    """What gradlog is held against: the C program with its pragmas and no statistics."""
    return case(cases, "C SQLite, WAL", "values")


def with_compute(cases):
    return next((each for each in cases if "computation" in each.name), None)


def stream_table(stream, cases, batches):
    base = limit(cases).value("durable_seconds", batches)
    rows = []
    for each in cases:
        if not any(each.runs):
            rows.append([each.name, "failed", *["-"] * 8])
            continue
        mark = "~" if each.scale(batches) != 1 else ""
        keeps = each.keeps or next(run["keeps"] for run in each.runs if run)
        durable = each.value("durable_seconds", batches)
        low, high = each.spread("durable_seconds", batches)
        copies = keeps == "nothing"
        rows.append(
            [
                each.name, keeps,
                number(each.value("median_microseconds")), number(each.value("p99_microseconds")),
                mark + number(durable, MS), f"{number(low, MS)} - {number(high, MS)}",
                "-" if copies else mark + number(ratio(durable, base)),
                mark + number(each.value("cpu_seconds", batches), MS),
                number(each.value("peak_bytes"), MB),
                "-" if copies else mark + number(each.value("disk_bytes", batches), MB),
            ]
        )  # fmt: skip
    header = [
        "recorder", "keeps", "training thread µs/batch", "p99", "until durable ms", "min - max",
        "× C SQLite, WAL, no statistics", "CPU ms", "memory MB", "disk MB",
    ]  # fmt: skip
    weights = {"S": "6 tensors, 321", "M": "8 tensors, 1,199,882", "L": "161 tensors, 25,557,032"}[stream]
    title = {"S": "the dense network 10-16-8-1", "M": "a convolutional network", "L": "ResNet-50"}[stream]
    return [f"### {stream}: {title}, {weights} values, {batches:,} batches", "", *markdown(header, rows), ""]


def goal_rows(stream, cases, batches):
    gradlog, computing = case(cases, "**gradlog**"), with_compute(cases)
    durable = gradlog.value("durable_seconds", batches)
    copy = case(cases, "memcpy, C").value("median_microseconds")
    rows = []

    def row(what, value, goal):
        met = "-" if value is None else "yes" if value <= goal else "no"
        rows.append([stream, what, number(value), f"≤ {goal:g}", met])

    if computing is None:
        row("training thread, µs a batch", gradlog.value("median_microseconds"), 3)
    else:
        value = ratio(computing.value("median_microseconds"), copy)
        row("training thread, × memcpy of the batch", value, {"M": 1.5, "L": 1.2}[stream])
    goal = 1.5 if stream == "S" else 1.15
    row("until durable, × C SQLite, WAL, no statistics", ratio(durable, limit(cases).value("durable_seconds")), goal)
    rollback = case(cases, "**gradlog**, rollback journal").value("durable_seconds", batches)
    base = case(cases, "C SQLite, rollback journal", "values").value("durable_seconds")
    row("until durable, × C SQLite, rollback journal, no statistics", ratio(rollback, base), goal)
    if computing is not None:
        alone = max(computing.value("compute_seconds") or 0, limit(cases).value("durable_seconds") or 0)
        value = ratio(computing.value("durable_seconds"), alone)
        row("training with recording, × the longer of training and disk", value, 1.1)
    row("memory above the stream, MB", ratio(gradlog.value("peak_bytes"), MB), 64 if stream == "S" else 320)
    return rows


def peer_rows(found):
    """How much longer a training thread is held up by each peer than by gradlog."""
    rows = []
    for name in recording.PEERS:
        row = [name]
        for stream in found:
            cases = found[stream]
            peer = case(cases, name)
            gradlog = with_compute(cases) or case(cases, "**gradlog**")
            batches = max(run["batches"] for run in gradlog.runs if run)
            thread = ratio(peer.value("median_microseconds"), gradlog.value("median_microseconds"))
            whole = case(cases, "**gradlog**").value("durable_seconds")
            durable = ratio(peer.value("durable_seconds", batches), whole)
            row += [number(thread), number(durable)]
        rows.append(row)
    return rows


def pages(found, quick, with_peers):
    """The markdown of the write side."""
    batches = recording.QUICK if quick else recording.BATCHES
    rows = [row for stream in found for row in goal_rows(stream, found[stream], batches[stream])]
    lines = ["### Goals", "", *markdown(["stream", "what", "measured", "goal", "met"], rows), ""]
    if with_peers:
        header = ["peer"]
        for stream in found:
            header += [f"{stream}: training thread", f"{stream}: until durable"]
        lines += ["### Peers against gradlog, as multiples of its time", "", *markdown(header, peer_rows(found)), ""]
    for stream in found:
        lines += stream_table(stream, found[stream], batches[stream])
    return lines
