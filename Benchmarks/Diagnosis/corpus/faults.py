"""The catalogue of faults: who makes which, and which of them a program gets."""

from __future__ import annotations

import random
from collections.abc import Callable

from corpus.number_faults import (
    broken_weights,
    half_overflow,
    log_of_zero,
    poisoned,
    root_of_zero,
    tiny_loss,
    zero_deviation,
)
from corpus.program import Fault, Program
from corpus.scale_faults import (
    buried,
    corrupt_batches,
    deep_sigmoid,
    edge_rate,
    full_batch_edge,
    harsh_jump,
    harsh_rate,
    harsh_weights,
    large_rate,
    large_weights,
    many_layers,
    no_clipping,
    no_norm,
    no_way_around,
    rate_jump,
    small_weights,
    tiny_weights,
    unscaled_input,
    unscaled_target,
    weights_blown,
)
from corpus.wiring_faults import (
    all_zero,
    bad_step,
    collapsing_rate,
    detached,
    detached_late,
    frozen,
    frozen_later,
    frozen_mostly,
    killed,
    killed_everywhere,
    negative_bias,
    never_zeroed,
    no_longer_zeroed,
    no_update,
    other_update,
    rarely_zeroed,
    saturated,
    small_rate,
    twice,
)

Maker = Callable[[Program, random.Random], Fault | None]
"""Makes one fault of a healthy program, mild or severe as the dice fall; None where nothing in the program could break so."""

MAKERS: dict[str, tuple[Maker, ...]] = {
    "vanishing": (deep_sigmoid, many_layers, small_weights, no_way_around, no_norm),
    "exploding": (large_rate, large_weights, unscaled_input, unscaled_target, rate_jump, corrupt_batches, weights_blown,
                  no_clipping),
    "nonfinite": (poisoned, broken_weights, log_of_zero, root_of_zero, zero_deviation, half_overflow),
    "dead": (negative_bias, killed, killed, bad_step),
    "stagnation": (small_rate, small_rate, no_update, other_update, all_zero, twice, saturated, collapsing_rate),
    "oscillation": (edge_rate, edge_rate, full_batch_edge),
    "oscillation of full batches": (full_batch_edge,),
    "oscillation once more": (full_batch_edge,),
    "underflow": (tiny_loss,),
    "absent": (frozen, frozen_later, detached, detached),
    "accumulating": (never_zeroed, no_longer_zeroed, rarely_zeroed),
    "exploding for sure": (harsh_rate, harsh_weights, harsh_jump, unscaled_target, weights_blown),
    "absent for sure": (detached_late, frozen_mostly),
    "dead for sure": (killed_everywhere, killed_everywhere, negative_bias),
    "vanishing for sure": (buried, buried, tiny_weights),
}  # fmt: skip
"""By the class that they are meant to fall into."""

TRAINER_MAKERS: set[Maker] = {
    deep_sigmoid, many_layers, small_weights, large_rate, large_weights, unscaled_input, unscaled_target, negative_bias,
    small_rate, all_zero, edge_rate, full_batch_edge, harsh_rate, harsh_weights,
    tiny_weights,
}  # fmt: skip
KERAS_MAKERS: set[Maker] = TRAINER_MAKERS | {rate_jump, harsh_jump, corrupt_batches, poisoned, zero_deviation, twice}
ALLOWED: dict[str, set[Maker]] = {
    "torch-game": set(),
    "trainer": TRAINER_MAKERS,
    "keras-torch": KERAS_MAKERS,
    "keras-jax": KERAS_MAKERS,
}
"""What other frameworks than PyTorch can be made to do here."""


SHARES = {"dead": 1.0, "vanishing": 0.8, "stagnation": 0.8, "underflow": 0.8, "exploding": 0.8, "nonfinite": 0.75}
"""How many of the programs get a fault of the class; two of three of the classes that are not here."""


def faults(program: Program, rng: random.Random) -> list[Fault]:
    """Faults of the program: of each class one, with the class's probability; never the same change under two names."""
    chosen = []
    allowed = ALLOWED.get(program.framework)
    for name, makers in MAKERS.items():
        able = [maker for maker in makers if allowed is None or maker in allowed]
        made = [fault for maker in able if (fault := maker(program, rng)) is not None]
        if made and rng.random() < SHARES.get(name, 2 / 3):
            chosen.append(rng.choice(made))
    for edge in program.edges:
        chosen.append(Fault(f"edge-rate-x{edge:g}", "explosion", program.changed(lr=program.lr * edge)))
    named = {fault.name: fault for fault in chosen}.values()
    return list({repr(fault.program): fault for fault in named}.values())
