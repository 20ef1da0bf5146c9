"""The second stage: pictures to latents and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.tiny.recipe.config import SPACE_RATIO, TIME_RATIO, Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.linear_start import start
from inference.tiny.recipe.models import video_vae
from inference.tiny.recipe.muon import Muon, for_convolutions

MOVING = 0.12
"""Difference from the clip's median, on the scale -1..1, from which a pixel counts as moving."""
MOVING_WEIGHT, SUBJECT_WEIGHT = 1.0, 3.0
"""Extra weight of moving pixels and of those near the subject: unweighted, the sky is learned and the ball
is not; with moving pixels above the subject, falling snow takes what the subject needs."""
SUBJECT_REACH = 0.3
"""Heights of the picture around the subject's centre that count as near."""
KL_WEIGHT = 1e-4
RATE, ADAM_RATE = 0.0012, 3e-4
"""A tenth of what suits random weights: more, and the linear start is lost before it has helped."""
L1_WEIGHT = 0.1
STARTED_ON, PCA_ON = 30_000_000, 60_000_000
"""Pixels that the linear start, and the linear code to beat, are fitted to: 200 and 400 clips of the smallest size."""


@dataclass
class VideoLearner:
    """Trains the video VAE on pieces of clips."""

    config: Config
    clips: Clips
    held_out: Clips
    device: torch.device
    vae: Any
    modules: nn.ModuleDict = field(init=False)
    optimizer: Muon = field(init=False)

    def __post_init__(self) -> None:
        self.modules = nn.ModuleDict({"vae": self.vae.to(self.device)})
        self.optimizer = for_convolutions(self.vae, lr=RATE, adam_lr=ADAM_RATE)

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """Weighted squared error, a little absolute error for edges, and a whisper of KL."""
        pictures, weight = self._batch(random)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half):
            latents = self.vae.encode(pictures).latent_dist
            output = self.vae.decode(latents.sample()).sample
        loss, squared = apart(output.float(), pictures, weight)
        kl = 0.5 * (latents.mean.square() + latents.var - 1 - latents.logvar).float().mean()
        return loss + KL_WEIGHT * kl, {"squared": squared.item(), "kl": kl.item()}

    def measures(self) -> Mapping[str, float]:
        """PSNR on held-out clips, of the VAE and of a linear PCA of the same rate."""
        return against_pca(self.vae, self.held_out.frames[:32], self.clips.frames, self.device)

    def _batch(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, F, H, W) in -1..1 and the weight of each pixel (B, 1, F, H, W)."""
        count, length = self.config.vae_batch, self.config.vae_frames
        which = torch.randint(len(self.clips), (count,), generator=random).tolist()
        starts = torch.randint(self.config.cut.frames - length + 1, (count,), generator=random).tolist()
        pieces = [self.clips.frames[k, at : at + length] for k, at in zip(which, starts, strict=True)]
        centres = [self.clips.centres[k, at : at + length] for k, at in zip(which, starts, strict=True)]
        pictures = to_tensor(np.stack(pieces), self.device)
        return pictures, weights(pictures, torch.from_numpy(np.stack(centres)).to(self.device))


def weights(pictures: Tensor, centres: Tensor) -> Tensor:
    """How much each pixel counts (B, 1, T, H, W)."""
    near = near_subject(centres, pictures.shape[-2], pictures.shape[-1])
    return 1 + MOVING_WEIGHT * moving(pictures) + SUBJECT_WEIGHT * near


def apart(output: Tensor, pictures: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The loss between two clips (B, 3, T, H, W), and the weighted squared error that is most of it."""
    error = output - pictures
    squared = (error.square() * weight).sum() / (3 * weight.sum())
    return 3 * squared + L1_WEIGHT * error.abs().mean(), squared


def started(config: Config, clips: Clips) -> Any:
    """A fresh VAE, as good as a linear code of the same rate."""
    vae = video_vae(config)
    start(vae, to_tensor(_some(clips.frames, STARTED_ON), torch.device("cpu")))
    return vae


def _some(frames: np.ndarray, pixels: int) -> np.ndarray:
    """Clips from all over (n, T, H, W, 3), of about so many pixels in all."""
    count = min(len(frames), max(1, pixels // int(np.prod(frames.shape[1:4]))))
    every = len(frames) // count
    return np.array(frames[: every * count : every])


def to_tensor(frames: np.ndarray, device: torch.device) -> Tensor:
    """(B, T, H, W, 3) uint8 to (B, 3, T, H, W) in -1..1."""
    return torch.from_numpy(np.array(frames)).to(device).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def to_frames(pictures: Tensor) -> np.ndarray:
    """(B, 3, T, H, W) in -1..1 to (B, T, H, W, 3) uint8."""
    bytes_ = ((pictures.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return np.asarray(bytes_.permute(0, 2, 3, 4, 1).cpu().numpy())


def moving(pictures: Tensor) -> Tensor:
    """1 where a pixel differs from its median in time: (B, 3, T, H, W) -> (B, 1, T, H, W)."""
    away = (pictures - pictures.median(2, keepdim=True).values).abs().amax(1, keepdim=True)
    return (away > MOVING).float()


def near_subject(centres: Tensor, height: int, width: int) -> Tensor:
    """1 within reach of the centre of anything tracked: (B, T, things, 2) pixels -> (B, 1, T, H, W)."""
    rows = torch.arange(height, device=centres.device).view(1, 1, 1, height, 1)
    columns = torch.arange(width, device=centres.device).view(1, 1, 1, 1, width)
    x, y = centres[..., 0, None, None], centres[..., 1, None, None]
    return ((columns - x).hypot(rows - y) < SUBJECT_REACH * height).any(2).float()[:, None]


@torch.no_grad()
def reconstruct(vae: Any, frames: np.ndarray, device: torch.device, batch: int = 8) -> np.ndarray:
    """Clips through the VAE, (n, T, H, W, 3) uint8 to the same."""
    parts = []
    for k in range(0, len(frames), batch):
        latents = vae.encode(to_tensor(frames[k : k + batch], device)).latent_dist.mode()
        parts.append(to_frames(vae.decode(latents).sample))
    return np.concatenate(parts)


def psnr(real: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """PSNR in dB over all pixels, and over those that move."""
    a, b = (to_tensor(frames, torch.device("cpu")) for frames in (real, other))
    squared = ((a - b) / 2).square()
    mask = moving(a).expand_as(squared)
    return -10 * squared.mean().log10().item(), -10 * (squared[mask > 0].mean()).log10().item()


def against_pca(vae: Any, real: np.ndarray, known: np.ndarray, device: torch.device) -> dict[str, float]:
    """PSNR of clips through the VAE, and through a linear code of the same rate fitted to ``known`` ones."""
    linear = pca(_some(known, PCA_ON), real, vae.config.latent_channels)
    return {**_named("vae", real, reconstruct(vae, real, device)), **_named("pca", real, linear)}


def pca(train: np.ndarray, real: np.ndarray, channels: int) -> np.ndarray:
    """Clips through a linear code of the same rate: ``channels`` numbers for each 16x16x4 pixels."""
    patches, _ = _patches(train)
    chosen = patches[torch.randperm(len(patches), generator=torch.Generator().manual_seed(0))[:6000]]
    mean = chosen.mean(0)
    basis = torch.svd_lowrank(chosen - mean, q=channels + 8, niter=3)[2][:, :channels]
    own, shape = _patches(real)
    coded = (own - mean) @ basis @ basis.T + mean
    n, t, h, w = shape
    pictures = coded.view(n, t, h, w, TIME_RATIO, SPACE_RATIO, SPACE_RATIO, 3).permute(0, 7, 1, 4, 2, 5, 3, 6)
    frames = to_frames(pictures.reshape(n, 3, t * TIME_RATIO, h * SPACE_RATIO, w * SPACE_RATIO))
    return np.concatenate([real[:, :1], frames], 1)


def _patches(frames: np.ndarray) -> tuple[Tensor, tuple[int, int, int, int]]:
    x = to_tensor(frames[:, 1:], torch.device("cpu"))  # (n, 3, T, H, W)
    n, _, t, h, w = x.shape
    grid = (n, t // TIME_RATIO, h // SPACE_RATIO, w // SPACE_RATIO)
    x = x.view(n, 3, grid[1], TIME_RATIO, grid[2], SPACE_RATIO, grid[3], SPACE_RATIO).permute(0, 2, 4, 6, 3, 5, 7, 1)
    return x.reshape(-1, TIME_RATIO * SPACE_RATIO * SPACE_RATIO * 3), grid


def _named(name: str, real: np.ndarray, other: np.ndarray) -> dict[str, float]:
    overall, on_moving = psnr(real, other)
    return {f"{name}_db": overall, f"{name}_moving_db": on_moving}
