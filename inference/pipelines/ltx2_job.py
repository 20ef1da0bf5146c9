"""One job of LTX-2 between two steps: its latents, schedule, prompts and guidance, and the arithmetic of a step."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inference.pipelines.guidance import Guidance, guide

CALL_DEFAULTS: Mapping[str, Any] = {
    "negative_prompt": "",
    "sigmas": None,
    "guidance_scale": 3.0,
    "stg_scale": 1.0,
    "modality_scale": 3.0,
    "guidance_rescale": 0.7,
    "audio_guidance_scale": 7.0,
    "audio_stg_scale": 1.0,
    "audio_modality_scale": 3.0,
    "audio_guidance_rescale": 0.7,
    "spatio_temporal_guidance_blocks": [28],
    "decode_timestep": 0.0,
    "decode_noise_scale": None,
    "use_cross_timestep": True,
    "max_sequence_length": 1024,
}
"""The defaults of the stock call, in diffusers 0.42."""


@dataclass(frozen=True)
class Grid:
    """A clip's latents: their frames, height and width, and the frames of the sound's."""

    frames: int
    height: int
    width: int
    audio_frames: int


@dataclass(frozen=True)
class Text:
    """An encoded prompt, as each modality reads it, and which tokens count."""

    video: Tensor  # (1, tokens, dim)
    audio: Tensor  # (1, tokens, dim)
    mask: Tensor  # (1, tokens)


@dataclass
class Ltx2Latents:
    """A job of this family. ``video`` and ``audio`` are the noisy packed latents, always float32."""

    call: Mapping[str, Any]
    grid: Grid
    prompt: Text
    negative: Text
    sigmas: Tensor  # (steps + 1,)
    video: Tensor  # (1, tokens, C)
    audio: Tensor  # (1, tokens, C)
    generator: torch.Generator
    step: int = 0
    clean: Tensor | None = None  # (1, tokens, C), the last step's prediction

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    @property
    def bucket(self) -> tuple[Hashable, ...]:
        blocks = tuple(self.call["spatio_temporal_guidance_blocks"] or ())
        return self.grid, self.prompt.video.shape[1], self.call["use_cross_timestep"], blocks

    @property
    def sigma(self) -> Tensor:
        return self.sigmas[self.step]

    def guidance(self, prefix: str = "") -> Guidance:
        """Of the picture, or with the prefix ``audio_`` of the sound, which falls back on the picture's."""
        names = ("guidance_scale", "stg_scale", "modality_scale", "guidance_rescale")
        return Guidance(*(self.call[prefix + name] or self.call[name] for name in names))

    @property
    def is_guided(self) -> bool:
        return self.guidance().text > 1 or self.guidance("audio_").text > 1

    @property
    def has_stg(self) -> bool:
        return self.guidance().stg > 0 or self.guidance("audio_").stg > 0

    @property
    def has_modality(self) -> bool:
        return self.guidance().modality > 1 or self.guidance("audio_").modality > 1


@dataclass(frozen=True)
class Prediction:
    """The clean clip as one forward pass sees it, of one job: picture and sound."""

    video: Tensor  # (1, tokens, C)
    audio: Tensor  # (1, tokens, C)


def clean(job: Ltx2Latents, video_flow: Tensor, audio_flow: Tensor) -> Prediction:
    """The clean clip of a flow: x0 = z − σ·v."""
    return Prediction(job.video - video_flow * job.sigma, job.audio - audio_flow * job.sigma)


def combine(
    job: Ltx2Latents,
    plain: Prediction,
    without_text: Prediction | None,
    without_stg: Prediction | None,
    without_other: Prediction | None,
) -> Prediction:
    """A job's prediction with all the guidance that it asks for."""
    weaker = (without_text, without_stg, without_other)
    video = guide(plain.video, [other.video if other else None for other in weaker], job.guidance())
    audio = guide(plain.audio, [other.audio if other else None for other in weaker], job.guidance("audio_"))
    return Prediction(video, audio)


def advance(job: Ltx2Latents, guided: Prediction) -> None:
    """Take the job one Euler step towards what was predicted."""
    job.video = _euler(job, job.video, guided.video)
    job.audio = _euler(job, job.audio, guided.audio)
    job.clean = guided.video
    job.step += 1


def _euler(job: Ltx2Latents, noisy: Tensor, predicted: Tensor) -> Tensor:
    flow = (noisy - predicted) / job.sigma
    return noisy + (job.sigmas[job.step + 1] - job.sigma) * flow
