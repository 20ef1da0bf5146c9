"""Which previews a model gets, by what they cost on this machine."""

import time
from dataclasses import dataclass

from torch import Tensor

from inference.linear import LinearPreviews, PatchPreviews
from inference.pipelines.base import Decoder
from inference.previews import Previews, VaePreviews

CHEAP_S = 0.25
"""Half of the half second in which a first preview is wanted."""


@dataclass(frozen=True)
class Tiers:
    """``best`` as often as its share of the time allows, and ``sketch`` of the steps between."""

    best: Previews
    sketch: Previews


def choose(decoder: Decoder, latents: Tensor, scale: float, *, offload: bool) -> Tiers:
    """The model's own VAE where it is cheap, tried on ``latents``; the largest clip on offer is ``scale`` times larger.

    With offload the VAE is not on the GPU while the transformer steps, so it is never cheap.
    """
    if offload or _seconds(decoder, latents) * scale > CHEAP_S:
        linear = LinearPreviews(decoder)
        return Tiers(linear, linear)
    return Tiers(VaePreviews(decoder), PatchPreviews(decoder))


def _seconds(decoder: Decoder, latents: Tensor) -> float:
    decoder.decode(latents)  # the first run pays for set-up that later ones do not
    # On a CPU this thread's own time: who else happens to use the cores while the model is loaded decides nothing.
    clock = time.thread_time if latents.device.type == "cpu" else time.perf_counter
    started_s = clock()
    decoder.decode(latents)
    return clock() - started_s
