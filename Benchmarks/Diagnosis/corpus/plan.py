"""Which trainings the corpus is made of."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

from corpus.faults import faults
from corpus.architecture_programs import ARCHITECTURE_PROGRAMS
from corpus.continuous_programs import CONTINUOUS_PROGRAMS
from corpus.density_programs import DENSITY_PROGRAMS
from corpus.multibranch_programs import MULTIBRANCH_PROGRAMS
from corpus.other_programs import OTHER_PROGRAMS
from corpus.plain_programs import PLAIN_PROGRAMS
from corpus.program import Program, Run
from corpus.set_programs import SET_PROGRAMS
from corpus.task_programs import TASK_PROGRAMS
from corpus.unit_programs import UNIT_PROGRAMS
from corpus.variants import variants

PROGRAMS = (
    *PLAIN_PROGRAMS, *ARCHITECTURE_PROGRAMS, *OTHER_PROGRAMS, *TASK_PROGRAMS, *MULTIBRANCH_PROGRAMS, *SET_PROGRAMS,
    *CONTINUOUS_PROGRAMS, *DENSITY_PROGRAMS, *UNIT_PROGRAMS,
)  # fmt: skip
SEEDS = 3
"""Healthy trainings of each program that only the seed tells apart; the last one is not recorded."""
VARIANTS = 3


def plan(seed: int) -> list[Run]:
    """All runs; the same ones for the same seed."""
    return [run for program in PROGRAMS for run in of_program(program, seed)]


def of_program(program: Program, seed: int) -> Iterator[Run]:
    """The healthy runs of a program, and its faults."""
    rng = random.Random(f"{program.name}-{seed}")
    base = zlib.crc32(program.name.encode()) % 100_000 + seed
    for index in range(SEEDS):
        yield Run(f"{program.name}.healthy-{index}", program, base + index, recorded=index < SEEDS - 1)
    for index, (name, variant) in enumerate(variants(program, VARIANTS, rng).items()):
        yield Run(f"{program.name}.{name}", variant, base + 10 + index)
    for fault in faults(program, rng):
        yield Run(f"{program.name}.fault-{fault.name}", fault.program, base, fault, f"{program.name}.healthy-0")
