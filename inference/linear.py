"""Previews without a VAE: linear maps from latents to pixels, fitted when the model is loaded."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from inference.pipelines.base import Decoder
from inference.previews import Preview, shrink, spread

_CELL = 4  # the coarse fit makes (spatial ratio / 4)² pixels of a latent cell: finer gave no better picture
_ROWS_A_CHANNEL = 12  # cells to fit on, for each unknown of the fit
_FIT_SIDE, _FIT_GROUPS = 8, 2  # a clip to fit on: 8 by 8 cells, the first frame and 2 groups after it
_LEAST_SPREAD, _RIDGE = 0.5, 1e-3


class LinearPreviews:
    """Previews by a least-squares map from a latent cell to a few pixels: blurred, and next to nothing with any VAE."""

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
        return Preview(indices, shrink(levels.cpu().numpy()))


class PatchPreviews:
    """Previews by a least-squares map from a latent cell to all the pixels that it covers, as the VAE would draw them.

    Of a VAE that is close to linear it shows nearly the same pictures in a thirtieth of the time. No cell knows of
    those beside it, so the steps where they meet are levelled out. (A fit that sees its neighbours has seams too.)
    """

    def __init__(self, decoder: Decoder) -> None:
        self._time, self._space = decoder.temporal_ratio, decoder.spatial_ratio
        self._first, self._later = _fit_to_decoder(decoder)

    def __call__(self, latents: Tensor, clip_frames: int) -> Preview:
        cells = _with_one(latents.float().permute(1, 2, 3, 0))  # (T, H, W, C + 1)
        first = self._pictures(cells[:1] @ self._first.to(cells.device), 1)
        later = self._pictures(cells[1:] @ self._later.to(cells.device), self._time)
        indices = spread(clip_frames)
        shown = torch.cat([first, later])[indices]
        for axis in (1, 2):
            shown = _without_seams(shown, axis, self._space)
        return Preview(tuple(indices), shrink(shown.round().clamp(0, 255).to(torch.uint8).cpu().numpy()))

    def _pictures(self, patches: Tensor, frames: int) -> Tensor:
        """Patches (T, H, W, frames · side² · 3) as pictures (T · frames, H · side, W · side, 3), 0 to 255."""
        count, height, width, _ = patches.shape
        side = self._space
        tiled = patches.view(count, height, width, frames, side, side, 3).permute(0, 3, 1, 4, 2, 5, 6)
        return tiled.reshape(count * frames, height * side, width * side, 3)


def _without_seams(pictures: Tensor, axis: int, side: int) -> Tensor:
    """Pictures whose cells of ``side`` meet along an axis without a step: three eighths of each lead to the middle."""
    cells: Tensor = pictures.unflatten(axis, (-1, side))  # type: ignore[no-untyped-call]
    reach = 3 * side // 8
    lead = torch.zeros(side, device=pictures.device)
    lead[side - reach :] = torch.arange(1, reach + 1, device=pictures.device) / (2 * reach)
    lead = lead.view(side, *[1] * (pictures.dim() - axis - 1))
    firsts, lasts = cells.narrow(axis + 1, 0, 1), cells.narrow(axis + 1, side - 1, 1)
    inner = cells.shape[axis] - 1
    steps = firsts.narrow(axis, 1, inner) - lasts.narrow(axis, 0, inner)
    smooth = cells.clone()
    smooth.narrow(axis, 0, inner).add_(steps * lead)
    smooth.narrow(axis, 1, inner).sub_(steps * lead.flip(0))
    return smooth.flatten(axis, axis + 1)


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


def _fit_to_decoder(decoder: Decoder) -> tuple[Tensor, Tensor]:
    """Least squares of what the VAE draws on its cells, for a clip's first frame and for the groups after it.

    The cells are those of drawn scenes with as much noise: scenes alone leave some channels untouched.
    """
    clips = math.ceil(_ROWS_A_CHANNEL * decoder.channels / (_FIT_SIDE**2 * (_FIT_GROUPS + 1)))
    draw = torch.Generator().manual_seed(0)
    scenes = [decoder.encode(_scene(decoder, draw)).float() for _ in range(clips)]  # (C, T, H, W)
    spreads = torch.cat([scene.flatten(1) for scene in scenes], 1).std(1).clamp(min=_LEAST_SPREAD)[:, None, None, None]
    first, later = [], []
    for scene in scenes:
        cells = scene + spreads * torch.randn(scene.shape, generator=draw).to(scene.device)
        frames = torch.from_numpy(decoder.decode(cells)).float()  # (T, H, W, 3)
        rows = _with_one(cells.cpu().permute(1, 2, 3, 0))
        first.append((rows[0].flatten(0, 1), _patches(frames[:1], 1, decoder.spatial_ratio)))
        later.append((rows[1:].flatten(0, 2), _patches(frames[1:], decoder.temporal_ratio, decoder.spatial_ratio)))
    return _solved(first), _solved(later)


def _patches(frames: Tensor, group: int, side: int) -> Tensor:
    """Pictures (T, H, W, 3) as one row for each cell: (T / group · H / side · W / side, group · side² · 3)."""
    count, height, width, _ = frames.shape
    cut = frames.view(count // group, group, height // side, side, width // side, side, 3)
    return cut.permute(0, 2, 4, 1, 3, 5, 6).reshape(-1, group * side * side * 3)


def _solved(pairs: list[tuple[Tensor, Tensor]]) -> Tensor:
    inputs, targets = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    ridge = _RIDGE * len(inputs) * torch.eye(inputs.shape[1])
    weights: Tensor = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ targets)
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
