"""Measures one peer on one stream, in a process of its own: peer.py NAME STREAM --batches N ..."""

import argparse
import shutil
import sys
from pathlib import Path

import arrays
import columns
import histograms
import sqlite
from stream import Stream, measure, say

PEERS = {
    "Python sqlite3, naive": sqlite.Naive,
    "Python sqlite3, tuned": sqlite.Tuned,
    "TensorBoard histograms": histograms.TensorBoard,
    "W&B offline histograms": histograms.WandbOffline,
    "h5py": arrays.H5py,
    "h5py, buffered": arrays.H5pyBuffered,
    "safetensors": arrays.Safetensors,
    "zarr": arrays.Zarr,
    "DuckDB": columns.DuckDB,
    "Parquet": columns.Parquet,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("stream")
    parser.add_argument("--batches", type=int, required=True)
    parser.add_argument("--streams", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="emptied before and after")
    arguments = parser.parse_args()

    shutil.rmtree(arguments.folder, ignore_errors=True)
    arguments.folder.mkdir(parents=True)
    stream = Stream.load(arguments.streams, arguments.stream, arguments.batches)
    recorder = PEERS[arguments.name](arguments.folder, stream)
    measurement = measure(recorder, stream, arguments.folder)
    expected = arguments.batches * len(stream.names)
    found = recorder.count()
    shutil.rmtree(arguments.folder)
    if found != expected:
        sys.exit(f"{arguments.name}: {found} of {expected} gradients can be read back")
    say({"name": arguments.name, "keeps": recorder.keeps, **measurement})


if __name__ == "__main__":
    main()
