"""The model while it is being made: its parts, one forward pass, and a plain sampler for them."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from inference.tiny.recipe import models, text
from inference.tiny.recipe.config import Config
from inference.tiny.recipe.video_vae import to_frames, to_tensor

Latents = tuple[Tensor, Tensor]
"""Normalised and packed: video (B, F * h * w, C) and audio (B, L, C')."""
Words = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Prefix:
    """Tokens that are given: 1 where clean (B, tokens, 1), and their values, for both modalities."""

    video_mask: Tensor
    audio_mask: Tensor
    video: Tensor
    audio: Tensor

    def held(self, latents: Latents) -> Latents:
        """The latents with the given tokens put back."""
        video, audio = latents
        return torch.where(self.video_mask > 0, self.video, video), torch.where(self.audio_mask > 0, self.audio, audio)

    def times(self, sigmas: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """A sigma for each token (B, tokens): what is given is at 0."""
        video, audio = sigmas
        return video[:, None] * (1 - self.video_mask[..., 0]), audio[:, None] * (1 - self.audio_mask[..., 0])

    def rows(self, chosen: Tensor) -> "Prefix":
        """The same for some of the batch."""
        return Prefix(self.video_mask[chosen], self.audio_mask[chosen], self.video[chosen], self.audio[chosen])


@dataclass(frozen=True)
class Sampling:
    """How a clip is made: number of steps, guidance, and the step to enter at (later than 0 to remix)."""

    steps: int
    guidance: float = 1.0
    first: int = 0


@dataclass
class Parts:
    """All components, under the names of the pipeline."""

    config: Config
    device: torch.device
    vae: Any
    audio_vae: Any
    vocoder: Any
    tokenizer: Any
    text_encoder: Any
    connectors: Any
    transformer: Any

    def __post_init__(self) -> None:
        height, width = self.config.latent_size
        rope, audio_rope = self.transformer.rope, self.transformer.audio_rope
        self.video_places = rope.prepare_video_coords(
            1, self.config.latent_frames, height, width, self.device, fps=float(self.config.cut.rate_hz)
        )
        self.audio_places = audio_rope.prepare_audio_coords(1, self.config.audio_latents, self.device)

    def words(self, prompts: Sequence[str]) -> Words:
        """What the transformer attends to."""
        return text.encode(self, prompts, self.config.prompt_tokens, self.device)

    def velocity(self, latents: Latents, words: Words, sigmas: tuple[Tensor, Tensor], prefix: Prefix | None) -> Latents:
        """One forward pass. ``sigmas`` (B,) for video and audio; given tokens are at sigma 0.

        In bfloat16 on a CPU, torch's flash attention is six times slower than plain attention.
        """
        (video, audio), (video_sigma, audio_sigma) = latents, sigmas
        times = sigmas if prefix is None else prefix.times(sigmas)
        height, width = self.config.latent_size
        batch = len(video)
        plain = sdpa_kernel(SDPBackend.MATH) if self.config.half and self.device.type == "cpu" else nullcontext()
        with plain, torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.half):
            out: Latents = self.transformer(
                hidden_states=video,
                audio_hidden_states=audio,
                encoder_hidden_states=words[0],
                audio_encoder_hidden_states=words[1],
                timestep=times[0] * 1000,
                audio_timestep=times[1] * 1000,
                sigma=video_sigma * 1000,
                audio_sigma=audio_sigma * 1000,
                encoder_attention_mask=words[2],
                audio_encoder_attention_mask=words[2],
                num_frames=self.config.latent_frames,
                height=height,
                width=width,
                video_coords=self.video_places.repeat(batch, 1, 1, 1),
                audio_coords=self.audio_places.repeat(batch, 1, 1, 1),
                use_cross_timestep=True,
                return_dict=False,
            )
        return out[0].float(), out[1].float()

    def noise(self, count: int, random: torch.Generator) -> Latents:
        """Where sampling starts. Drawn on the device: a CPU beside it would need longer than a step."""
        if self.device.type != "cpu":
            seed = int(torch.randint(2**31, (1,), generator=random))
            random = torch.Generator(self.device).manual_seed(seed)
        (height, width), config = self.config.latent_size, self.config
        video = (count, config.latent_frames * height * width, config.latent_channels)
        audio = (count, config.audio_latents, config.audio_latent_channels * config.mel_bins // 4)
        return (
            torch.randn(video, generator=random, device=self.device),
            torch.randn(audio, generator=random, device=self.device),
        )

    @torch.no_grad()
    def trajectory(
        self,
        words: Words,
        start: Latents,
        sampling: Sampling,
        *,
        plain: Words | None = None,
        prefix: Prefix | None = None,
    ) -> list[Latents]:
        """All states of an Euler sampler, from ``start`` to the finished latents.

        ``plain`` are the words of no prompt: what guidance moves away from.
        """
        sigmas = schedule(sampling.steps)[sampling.first :]
        states = [start if prefix is None else prefix.held(start)]
        for now, then in pairwise(sigmas):
            video, audio = self._drift(states[-1], now, words, sampling.guidance, plain, prefix)
            moved = states[-1][0] + video * (then - now), states[-1][1] + audio * (then - now)
            states.append(moved if prefix is None else prefix.held(moved))
        return states

    def _drift(
        self, state: Latents, sigma: float, words: Words, guidance: float, plain: Words | None, prefix: Prefix | None
    ) -> Latents:
        at = torch.full((len(state[0]),), sigma, device=self.device)
        video, audio = self.velocity(state, words, (at, at), prefix)
        if plain is None or guidance == 1:
            return video, audio
        away = self.velocity(state, plain, (at, at), prefix)
        return away[0] + guidance * (video - away[0]), away[1] + guidance * (audio - away[1])

    @torch.no_grad()
    def sample(self, prompts: Sequence[str], sampling: Sampling, seed: int = 0, batch: int = 24) -> Latents:
        """Latents for prompts."""
        random = torch.Generator().manual_seed(seed)
        found: list[Latents] = []
        for k in range(0, len(prompts), batch):
            words = self.words(prompts[k : k + batch])
            plain = self.words([""] * len(words[0])) if sampling.guidance != 1 else None
            found.append(self.trajectory(words, self.noise(len(words[0]), random), sampling, plain=plain)[-1])
        return torch.cat([video for video, _ in found]), torch.cat([audio for _, audio in found])

    @torch.no_grad()
    def frames(self, video: Tensor, batch: int = 8) -> np.ndarray:
        """Packed video latents to (B, T, H, W, 3) uint8."""
        vae, (height, width) = self.vae, self.config.latent_size
        grid = video.view(len(video), self.config.latent_frames, height, width, -1).permute(0, 4, 1, 2, 3)
        latents = grid * vae.latents_std.view(1, -1, 1, 1, 1) + vae.latents_mean.view(1, -1, 1, 1, 1)
        return np.concatenate(
            [to_frames(vae.decode(latents[k : k + batch]).sample) for k in range(0, len(latents), batch)]
        )

    @torch.no_grad()
    def latents(self, frames: np.ndarray, batch: int = 8) -> Tensor:
        """Frames (B, T, H, W, 3) uint8 to packed video latents, as ``frames`` takes them."""
        vae, shape = self.vae, (1, -1, 1, 1, 1)
        raw = [
            vae.encode(to_tensor(frames[k : k + batch], self.device)).latent_dist.mode()
            for k in range(0, len(frames), batch)
        ]
        normal = (torch.cat(raw) - vae.latents_mean.view(shape)) / vae.latents_std.view(shape)
        tokens: Tensor = normal.permute(0, 2, 3, 4, 1).flatten(1, 3)
        return tokens

    @torch.no_grad()
    def mels(self, audio: Tensor, batch: int = 16) -> Tensor:
        """Packed audio latents to (B, 2, frames, bins)."""
        vae = self.audio_vae
        latents = audio * vae.latents_std + vae.latents_mean
        grid = latents.view(len(audio), audio.shape[1], self.config.audio_latent_channels, -1).transpose(1, 2)
        return torch.cat([vae.decode(grid[k : k + batch]).sample for k in range(0, len(grid), batch)])


def schedule(steps: int) -> list[float]:
    """Sigmas from 1 to 0 with the pipeline's shift, ``steps + 1`` of them."""
    return [shifted(1 - k / steps) for k in range(steps)] + [0.0]


def shifted(sigma: float) -> float:
    """A sigma moved towards noise (Esser et al., 2024)."""
    scale = math.exp(models.SHIFT)
    return scale * sigma / (1 + (scale - 1) * sigma)
