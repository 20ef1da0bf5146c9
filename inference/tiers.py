"""Which previews a model gets, by what they cost on this machine."""

import math
import time
from dataclasses import dataclass

from torch import Tensor

from inference.linear import LinearPreviews, PatchPreviews
from inference.pipelines.base import Decoder
from inference.previews import Previews, VaePreviews

CHEAP_S = 0.25
"""Half of the half second in which a first preview is wanted."""
FITTED_S, FITTED_CELL = 2.0, 16
"""A VAE up to this, and with cells of so many pixels a side, is fitted patch by patch, with a handful of its pictures:
longer would hold up the worker's start, and larger cells are too coarse for it."""


@dataclass(frozen=True)
class Tiers:
    """``best`` as often as its share of the time allows, and ``sketch`` of the steps between."""

    best: Previews
    sketch: Previews


def choose(decoder: Decoder, latents: Tensor, scale: float, *, offload: bool) -> Tiers:
    """The model's own VAE where it is cheap, tried on ``latents``; the largest clip on offer is ``scale`` times larger.

    Where it is not, on a slow machine, a fit to its pictures, as large and of as many moments. With offload the VAE is
    not on the GPU while the transformer steps, so it is never cheap.
    """
    cost_s = math.inf if offload else _seconds(decoder, latents) * scale
    if cost_s > (FITTED_S if decoder.spatial_ratio <= FITTED_CELL else CHEAP_S):
        linear = LinearPreviews(decoder)
        return Tiers(linear, linear)
    fitted = PatchPreviews(decoder)
    return Tiers(VaePreviews(decoder) if cost_s <= CHEAP_S else fitted, fitted)


def _seconds(decoder: Decoder, latents: Tensor) -> float:
    decoder.decode(latents)  # the first run pays for set-up that later ones do not
    # On a CPU this thread's own time: who else happens to use the cores while the model is loaded decides nothing.
    clock = time.thread_time if latents.device.type == "cpu" else time.perf_counter
    started_s = clock()
    decoder.decode(latents)
    return clock() - started_s
