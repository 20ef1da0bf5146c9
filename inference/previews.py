"""Previews of a running job: the clean clip that the last step predicts, as a few frames over its whole length."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import simplejpeg
from torch import Tensor

from inference.pipelines.base import Decoder, Frames

MAX_FRAMES = 12
"""Enough to see motion in a loop; a packet of a 512x320 clip then stays under 160 KB."""
MAX_WIDTH = 512
_QUALITY = 82


@dataclass(frozen=True)
class Preview:
    """Frames of a clip and where in it they are."""

    indices: tuple[int, ...]
    frames: Frames


class Previews(Protocol):
    """Makes a preview of normalised latents (C, T, H, W) of a clip of so many frames."""

    def __call__(self, latents: Tensor, clip_frames: int) -> Preview: ...


def spread(count: int, most: int = MAX_FRAMES) -> list[int]:
    """Up to ``most`` rising indices below ``count``, evenly spread, the first and the last among them."""
    chosen = min(count, most)
    if chosen == 1:
        return [0]
    return [round(place * (count - 1) / (chosen - 1)) for place in range(chosen)]


def jpegs(preview: Preview) -> tuple[tuple[int, bytes], ...]:
    """The preview's frames as JPEG, each with its index."""
    return tuple((index, jpeg(frame)) for index, frame in zip(preview.indices, preview.frames, strict=True))


def jpeg(frame: Frames, quality: int = _QUALITY) -> bytes:
    """One picture (H, W, 3) as JPEG. Full colour resolution: the clips are small."""
    data: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality, "RGB", "444")
    return data


class VaePreviews:
    """Previews by the model's own VAE."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def __call__(self, latents: Tensor, clip_frames: int) -> Preview:
        indices = spread(clip_frames)
        return Preview(tuple(indices), shrink(self._decoder.decode(latents)[indices]))


def shrink(frames: Frames) -> Frames:
    """Pictures (T, H, W, 3) of at most MAX_WIDTH."""
    factor = math.ceil(frames.shape[2] / MAX_WIDTH)
    if factor == 1:
        return frames
    count, height, width, _ = frames.shape
    tall, wide = height // factor, width // factor
    blocks = frames[:, : tall * factor, : wide * factor].reshape(count, tall, factor, wide, factor, 3)
    small: Frames = blocks.mean(axis=(2, 4)).round().astype(np.uint8)  # (T, H, W, 3)
    return small
