"""Makes the modules of the benchmark importable, as score.py does."""

import sys
from pathlib import Path

DIAGNOSIS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(DIAGNOSIS), str(DIAGNOSIS.parent)]
