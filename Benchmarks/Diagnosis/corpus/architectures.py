"""All networks by their names, and what they have to be told about the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from corpus.branched_networks import BRANCHED_NETWORKS
from corpus.causal_networks import CAUSAL_NETWORKS
from corpus.continuous_networks import CONTINUOUS_NETWORKS
from corpus.density_networks import DENSITY_NETWORKS
from corpus.gated_networks import GATED_NETWORKS
from corpus.graph_networks import GRAPH_NETWORKS
from corpus.multibranch_networks import MULTIBRANCH_NETWORKS
from corpus.networks import NETWORKS, Staged
from corpus.patch_networks import PATCH_NETWORKS
from corpus.sequences import SEQUENCE_NETWORKS
from corpus.set_networks import SET_NETWORKS
from corpus.unit_networks import UNIT_NETWORKS
from corpus.vision_networks import VISION_NETWORKS

PICTURE_NETWORKS = {"cnn", "residual_cnn", "inception", "shuffle", "capsule", *VISION_NETWORKS, *PATCH_NETWORKS}

ARCHITECTURES: dict[str, Callable[..., Staged]] = {
    **NETWORKS, **SEQUENCE_NETWORKS, **VISION_NETWORKS, **PATCH_NETWORKS, **CAUSAL_NETWORKS, **GATED_NETWORKS,
    **BRANCHED_NETWORKS, **GRAPH_NETWORKS, **MULTIBRANCH_NETWORKS, **SET_NETWORKS, **CONTINUOUS_NETWORKS,
    **DENSITY_NETWORKS, **UNIT_NETWORKS,
}  # fmt: skip

DENSE = (
    "mlp", "autoencoder", "residual_mlp", "highway", "siren", "siamese", "wide_and_deep", "vae", "maxout", "deep_sets",
    "mixture_density", "autoregressive", "denoiser", "factorization",
)  # fmt: skip
"""Networks of dense layers only."""
DEEPER = (
    "mlp", "residual_mlp", "siamese", "wide_and_deep", "two_tower", "graph", "maxout", "deep_sets", "mixture_density",
    "autoregressive", "factorization", "contrastive", "fourier_operator",
)  # fmt: skip
"""Networks whose ``depth`` may become anything."""
NO_ACTIVATION = ("highway", "siren", "maxout")
"""Dense networks whose units are no others without another activation."""
WITH_WAY_AROUND = (
    "residual_mlp", "residual_cnn", "transformer", "depthwise", "vision_transformer", "mixer", "tcn", "highway", "experts",
    "shuffle", "perceiver", "state_space", "denoiser",
)  # fmt: skip
"""Networks that know ``adds``, and ``norm``."""
NORMED = ("depthwise", "densenet", "unet", "inception", "shuffle")
"""Networks for pictures whose ``norm`` may be left out by itself."""
WITH_DROPOUT = (
    "mlp", "residual_mlp", "cnn", "transformer", "vision_transformer", "mixer", "highway", "siamese", "wide_and_deep",
    "text_cnn", "deep_sets", "perceiver", "contrastive", "state_space", "mixture_density", "autoregressive", "maxout",
    "factorization",
)  # fmt: skip


def arguments(inputs_shape: Sequence[int], network: str) -> dict[str, Any]:
    """The arguments of a network that follow from the shape of one example."""
    if network in PICTURE_NETWORKS:
        return {"inputs": inputs_shape[0], "size": inputs_shape[1]}
    if network == "graph":
        return {"inputs": inputs_shape[-1], "nodes": inputs_shape[0]}
    return {"inputs": inputs_shape[-1]}
