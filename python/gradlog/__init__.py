"""gradlog: a flight recorder for neural-network training.

A recorder writes every batch's gradients with statistics into one SQLite file::

    with gradlog.Recorder("runs.db", "mlp") as recorder:
        recorder.record({"dense/kernel": gradient}, epoch=0, batch=0)

and a recording answers questions::

    gradlog.open("runs.db").query("vanishing")
"""

from gradlog.absence import FROZEN
from gradlog.errors import ErrorCode, GradlogError
from gradlog.findings import Finding, Losses
from gradlog.recorder import Recorder
from gradlog.recording import Recording, open
from gradlog.rows import RowSparse

__all__ = [
    "FROZEN",
    "ErrorCode",
    "Finding",
    "GradlogError",
    "Losses",
    "Recorder",
    "Recording",
    "RowSparse",
    "open",
]
__version__ = "0.1.0"
