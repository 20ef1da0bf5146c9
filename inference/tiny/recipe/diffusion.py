"""The sixth stage: the transformer learns to undo noise. What reads the prompt learned it before, and stays as it is.

The subject covers a fifth of the tokens, and what moves is hard to draw: its tokens weigh more, or the backdrop, which
is easy, would be most of what an hour of one core learns.

Two things make sound and picture meet: their noise is drawn apart (so that each learns to read the other), and their
losses weigh the same. A share of the clips begins with clean tokens, which is how extend and image-to-video work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from inference.tiny.recipe.config import AUDIO_RATIO, HOP, SAMPLE_RATE_HZ, SPACE_RATIO, TIME_RATIO, Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.latents import Encoded
from inference.tiny.recipe.models import SHIFT
from inference.tiny.recipe.muon import Muon
from inference.tiny.recipe.parts import Latents, Parts, Prefix, Words
from inference.tiny.recipe.text import captions_of
from inference.tiny.recipe.video_vae import near_subject

CAPTION_DROP = 0.1
APART, CLEAN_VIDEO, CLEAN_AUDIO = 0.6, 0.12, 0.08
"""Shares of clips with independent noise; with a clean picture; with clean sound."""
SUBJECT_WEIGHT = 3.0
COVERED = 0.25
"""What a token weighs that is covered so far by the subject's surroundings, against 1 elsewhere."""
WEIGHED_AT_ONCE = 64
PREFIX_STEPS, PREFIX_SHARE = 0.25, 0.5
"""Share of steps with clean beginnings, and of the clips in them: a step in which tokens have times of their own takes
half as long again."""
PREFIX_FRAMES = (1, 2)
"""Clean latent frames: one for image-to-video, without sound; two, five pictures, for extend, with sound."""


@dataclass
class DiffusionLearner:
    """Trains the transformer."""

    parts: Parts
    clips: Clips
    encoded: Encoded
    rate: float = 1.0
    """Of the learning rate that suits random weights; what was trained before takes less."""
    modules: nn.ModuleDict = field(init=False)
    optimizer: Muon = field(init=False)
    weight: Tensor = field(init=False)
    """Of every video token of every clip: (n, tokens, 1)."""

    def __post_init__(self) -> None:
        parts = self.parts
        self.modules = nn.ModuleDict({"transformer": parts.transformer})
        self.encoded = Encoded(self.encoded.video.to(parts.device), self.encoded.audio.to(parts.device))
        self.weight = subject_weights(parts.config, self.clips, parts.device)
        self.optimizer = optimizer(self.modules, lr=0.02 * self.rate, adam_lr=2e-3 * self.rate)

    def loss(self, random: torch.Generator) -> tuple[Tensor, Mapping[str, float]]:
        """Squared error of the velocity, over the tokens that are not given, the subject's weighing more."""
        config, device = self.parts.config, self.parts.device
        chosen = torch.randint(len(self.clips), (config.batch,), generator=random)
        clean = self.encoded.video[chosen.to(device)], self.encoded.audio[chosen.to(device)]
        scenes = [self.clips.scenes[k] for k in chosen.tolist()]
        with torch.no_grad():
            words = self.parts.words(captions_of(scenes, random, CAPTION_DROP))
        video, audio = self._errors(clean, words, random, self.weight[chosen].to(device))
        return video + audio, {"video": video.item(), "audio": audio.item()}

    def measures(self) -> Mapping[str, float]:
        """The evaluation says more than a loss could."""
        return {}

    def _errors(self, clean: Latents, words: Words, random: torch.Generator, weight: Tensor) -> Latents:
        sigmas = draw_sigmas(len(clean[0]), random)
        sigmas = tuple(sigma.to(self.parts.device) for sigma in sigmas)  # type: ignore[assignment]
        noise = self.parts.noise(len(clean[0]), random)
        noisy: Latents = tuple(
            (1 - sigma.view(-1, 1, 1)) * z + sigma.view(-1, 1, 1) * n
            for sigma, z, n in zip(sigmas, clean, noise, strict=True)
        )  # type: ignore[assignment]
        prefix = None
        if float(torch.rand(1, generator=random)) < PREFIX_STEPS:
            prefix = draw_prefix(self.parts.config, clean, random)
            noisy = prefix.held(noisy)
        output = self.parts.velocity(noisy, words, sigmas, prefix)
        nothing = torch.zeros(1, 1, 1, device=self.parts.device)
        masks = (nothing, nothing) if prefix is None else (prefix.video_mask, prefix.audio_mask)
        even = torch.ones_like(nothing)
        errors = [
            _masked((out - (n - z)) * by.sqrt(), (1 - mask) * (sigma > 0).view(-1, 1, 1))
            for out, n, z, mask, sigma, by in zip(output, noise, clean, masks, sigmas, (weight, even), strict=True)
        ]
        return errors[0], errors[1]


def optimizer(modules: nn.ModuleDict, lr: float, adam_lr: float) -> Muon:
    """Muon for the matrices inside the transformer's blocks, Adam for the rest."""
    named = [(name, p) for name, p in modules.named_parameters()]
    inside = {name for name, p in named if "transformer_blocks" in name and p.ndim == 2 and "scale_shift" not in name}
    matrices, others = [p for n, p in named if n in inside], [p for n, p in named if n not in inside]
    return Muon(matrices, others, lr, adam_lr)


def draw_sigmas(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise levels (B,) of video and audio: logit-normal, shifted, mostly drawn apart."""

    def shifted(spread: float) -> Tensor:
        sigma = torch.sigmoid(spread * torch.randn(count, generator=random))
        scale = torch.tensor(SHIFT).exp()
        return scale * sigma / (1 + (scale - 1) * sigma)

    video, other = shifted(1.0), shifted(1.2)
    apart = torch.rand(count, generator=random) < APART
    audio = torch.where(apart, other, video)
    kind = torch.rand(count, generator=random)
    zero = torch.zeros(count)
    return torch.where(kind < CLEAN_VIDEO, zero, video), torch.where(kind > 1 - CLEAN_AUDIO, zero, audio)


def subject_weights(config: Config, clips: Clips, device: torch.device) -> Tensor:
    """Those of all clips, once, a few at a time: as pixels they are large."""
    every = torch.from_numpy(np.array(clips.centres))
    parts = [every[k : k + WEIGHED_AT_ONCE].to(device) for k in range(0, len(every), WEIGHED_AT_ONCE)]
    return torch.cat([subject_weight(config, centres).cpu() for centres in parts])


def subject_weight(config: Config, centres: Tensor) -> Tensor:
    """Weights (B, tokens, 1) of the video tokens of clips whose things are at ``centres`` (B, T, things, 2)."""
    near = near_subject(centres, config.cut.height, config.cut.width)
    whole = torch.cat([near[:, :, :1].expand(-1, -1, TIME_RATIO - 1, -1, -1), near], 2)  # the first token has one frame
    covered = nn.functional.avg_pool3d(whole, (TIME_RATIO, SPACE_RATIO, SPACE_RATIO))
    return 1 + (SUBJECT_WEIGHT - 1) * (covered > COVERED).flatten(1)[..., None].float()


def draw_prefix(config: Config, clean: Latents, random: torch.Generator, share: float = PREFIX_SHARE) -> Prefix:
    """Clean beginnings for a share of the batch."""
    video, audio = clean
    height, width = config.latent_size
    masks = [torch.zeros(*z.shape[:2], 1) for z in clean]
    for row in torch.nonzero(torch.rand(len(video), generator=random) < share).flatten().tolist():
        frames = PREFIX_FRAMES[int(torch.randint(2, (1,), generator=random))]
        masks[0][row, : frames * height * width] = 1
        if frames > 1:
            masks[1][row, : audio_prefix(config, frames)] = 1
    return Prefix(masks[0].to(video.device), masks[1].to(audio.device), video, audio)


def audio_prefix(config: Config, latent_frames: int) -> int:
    """Audio tokens that last as long as this many latent frames."""
    seconds = (1 + TIME_RATIO * (latent_frames - 1)) / config.cut.rate_hz
    return round(seconds * SAMPLE_RATE_HZ / HOP / AUDIO_RATIO)


def _masked(error: Tensor, weight: Tensor) -> Tensor:
    """Mean square of (B, tokens, C) where the weight (B, tokens or 1, 1) is 1."""
    weight = weight.expand(*error.shape[:2], 1)
    return (error.square() * weight).sum() / (weight.sum().clamp(min=1) * error.shape[-1])
