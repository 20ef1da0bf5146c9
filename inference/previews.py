"""Previews of a running job: the clean clip that the last step predicts, as a few frames over its whole length.

Two tiers. The model's own VAE, where it is cheap (measured when the model is loaded): true pixels. Else a linear
map from latents to coloured cells, fitted when the model is loaded: blurred, but it costs next to nothing with any
VAE.
"""

import math
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import simplejpeg
import torch
import torch.nn.functional as F
from torch import Tensor

from inference.pipelines.base import Decoder, Frames

MAX_FRAMES = 12
"""Enough to see motion in a loop; a packet of a 512x320 clip then stays under 160 KB."""
MAX_WIDTH = 512
CHEAP_S = 0.25
"""Half of the half second in which a first preview is wanted."""
_QUALITY = 82
_CELL = 4  # the linear fit makes (spatial ratio / 4)² pixels of a latent cell: finer gave no better picture
_ROWS_A_CHANNEL = 12  # cells to fit on, for each unknown of the fit
_FIT_SIDE, _FIT_GROUPS = 8, 2  # a clip to fit on: 8 by 8 cells, the first frame and 2 groups after it


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
        return Preview(tuple(indices), _shrink(self._decoder.decode(latents)[indices]))


class LinearPreviews:
    """Previews by a least-squares map from a latent cell to a patch of pixels."""

    def __init__(self, decoder: Decoder) -> None:
        self._ratio = decoder.temporal_ratio
        self._patch = max(1, decoder.spatial_ratio // _CELL)
        self._weights = _fit(decoder, self._patch)  # (C + 1, 3 · patch²)

    def __call__(self, latents: Tensor, clip_frames: int) -> Preview:
        places = spread(latents.shape[1])
        cells = _with_one(latents[:, places].float().permute(1, 2, 3, 0))  # (T, H, W, C + 1)
        patches = (cells @ self._weights.to(cells.device)).permute(0, 3, 1, 2)  # (T, 3 · patch², H, W)
        pictures = F.pixel_shuffle(patches, self._patch).clamp(-1, 1)  # (T, 3, H · patch, W · patch)
        levels = ((pictures + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)  # (T, H, W, 3)
        indices = tuple(min(place * self._ratio, clip_frames - 1) for place in places)
        return Preview(indices, _shrink(levels.cpu().numpy()))


def choose(decoder: Decoder, latents: Tensor, scale: float, *, offload: bool) -> Previews:
    """The best tier that is cheap, tried on ``latents``; the largest clip on offer is ``scale`` times as large.

    With offload the VAE is not on the GPU while the transformer steps, so it is never cheap.
    """
    if offload or _seconds(decoder, latents) * scale > CHEAP_S:
        return LinearPreviews(decoder)
    return VaePreviews(decoder)


def _seconds(decoder: Decoder, latents: Tensor) -> float:
    decoder.decode(latents)  # the first run pays for set-up that later ones do not
    # On a CPU this thread's own time: who else happens to use the cores while the model is loaded decides nothing.
    clock = time.thread_time if latents.device.type == "cpu" else time.perf_counter
    started_s = clock()
    decoder.decode(latents)
    return clock() - started_s


def _shrink(frames: Frames) -> Frames:
    factor = math.ceil(frames.shape[2] / MAX_WIDTH)
    if factor == 1:
        return frames
    count, height, width, _ = frames.shape
    tall, wide = height // factor, width // factor
    blocks = frames[:, : tall * factor, : wide * factor].reshape(count, tall, factor, wide, factor, 3)
    small: Frames = blocks.mean(axis=(2, 4)).round().astype(np.uint8)  # (T, H, W, 3)
    return small


def _with_one(cells: Tensor) -> Tensor:
    return torch.cat([cells, torch.ones_like(cells[..., :1])], dim=-1)


def _fit(decoder: Decoder, patch: int) -> Tensor:
    """Least squares of pixel patches on the latent cells that the VAE's encoder makes of drawn scenes."""
    clips = math.ceil(_ROWS_A_CHANNEL * decoder.channels / (_FIT_SIDE**2 * (_FIT_GROUPS + 1)))
    draw = torch.Generator().manual_seed(0)
    inputs, targets = [], []
    for _ in range(clips):
        scene = _scene(decoder, draw)  # (3, T, H, W)
        latents = decoder.encode(scene).float().cpu()  # (C, T', H', W')
        inputs.append(_with_one(latents.permute(1, 2, 3, 0)).flatten(0, 2))  # (cells, C + 1)
        pictures = F.adaptive_avg_pool2d(scene[:, :: decoder.temporal_ratio].transpose(0, 1), _FIT_SIDE * patch)
        targets.append(F.pixel_unshuffle(pictures, patch).permute(0, 2, 3, 1).flatten(0, 2))  # (cells, 3 · patch²)
    weights: Tensor = torch.linalg.lstsq(torch.cat(inputs), torch.cat(targets)).solution
    return weights


def _scene(decoder: Decoder, draw: torch.Generator) -> Tensor:
    """A sky, a ground and a few moving discs in random colours: (3, T, H, W), −1 to 1."""
    frames, side = 1 + _FIT_GROUPS * decoder.temporal_ratio, _FIT_SIDE * decoder.spatial_ratio
    rows, columns = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    top, bottom, ground = (_colour(draw) for _ in range(3))
    sky = top + (bottom - top) * rows  # (3, H, W)
    back = torch.where(rows > 0.3 + 0.6 * torch.rand(1, generator=draw), ground, sky)
    scene = back[:, None].repeat(1, frames, 1, 1)  # (3, T, H, W)
    for _ in range(4):
        radius, *start = (torch.rand(3, generator=draw) * torch.tensor([0.2, 1.0, 1.0])).tolist()
        speed, colour = (torch.rand(2, generator=draw) - 0.5).tolist(), _colour(draw)
        for frame in range(frames):
            at = frame / frames
            distance = (rows - start[0] - speed[0] * at) ** 2 + (columns - start[1] - speed[1] * at) ** 2
            scene[:, frame] = torch.where(distance < radius**2, colour, scene[:, frame])
    return scene


def _colour(draw: torch.Generator) -> Tensor:
    return torch.rand(3, 1, 1, generator=draw) * 2 - 1
