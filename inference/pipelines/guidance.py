"""Guidance: going beyond what the model predicts, away from what it predicts when it knows less."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """How far one modality goes: away from no prompt (1 is none), from skipped attention (0 is none), and from not
    knowing the other modality (1 is none); then how much of the plain prediction's contrast is restored."""

    text: float
    stg: float
    modality: float
    rescale: float


def guide(plain: Tensor, weaker: Sequence[Tensor | None], guidance: Guidance) -> Tensor:
    """Move a prediction (B, tokens, C) away from the weaker ones, which come in the order of the guidance's scales.

    The sums are in the order of diffusers' LTX-2 pipeline, so that both round alike.
    """
    result = plain
    scales = (guidance.text - 1, guidance.stg, guidance.modality - 1)
    for other, scale in zip(weaker, scales, strict=True):
        if other is not None:
            result = result + scale * (plain - other)
    return _rescale(result, plain, guidance.rescale) if guidance.rescale > 0 else result


def _rescale(guided: Tensor, plain: Tensor, share: float) -> Tensor:
    """Restore the plain prediction's contrast (Lin et al., "Common Diffusion Noise Schedules…", section 3.4)."""
    over = list(range(1, plain.ndim))
    restored = guided * (plain.std(dim=over, keepdim=True) / guided.std(dim=over, keepdim=True))
    return share * restored + (1 - share) * guided
