"""LTX-2: picture and sound denoised together (diffusers' ``LTX2Pipeline``; Lightricks, 2026).

The stock pipeline loads the parts and is the parity test; the loop is the engine's. Each job keeps its own sigmas,
guidance and prompt, so that jobs at different steps and of different step counts share one forward pass.
"""

import copy
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import LTX2Pipeline
from diffusers.pipelines.ltx2.pipeline_ltx2 import calculate_shift
from diffusers.utils import logging as diffusers_logging
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor
from transformers.utils import logging as transformers_logging

from inference.config import Plan
from inference.errors import ModelError
from inference.manifest import Manifest, parse
from inference.pipelines.base import Clip, Decoding, Frames, Latents, Model, Recipe
from inference.pipelines.griffin import MelScale, griffin_lim
from inference.pipelines.ltx2_job import CALL_DEFAULTS, Grid, Ltx2Latents, Prediction, Text, advance, clean, combine
from inference.source import Source

STOCK_OFFER = Path(__file__).with_name("ltx2.json")


class Ltx2Decoder:
    """The picture's VAE, between uint8 pictures and normalised latents."""

    def __init__(self, pipe: Any, device: torch.device) -> None:
        self._pipe, self._vae, self._device = pipe, pipe.vae, device
        self.temporal_ratio: int = pipe.vae_temporal_compression_ratio
        self.spatial_ratio: int = pipe.vae_spatial_compression_ratio
        self.channels: int = pipe.vae.config.latent_channels

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Frames:
        timestep = torch.zeros(1, device=self._device) if self._vae.config.timestep_conditioning else None
        return self.decode_at(latents[None], timestep)

    @torch.no_grad()
    def decode_at(self, latents: Tensor, timestep: Tensor | None) -> Frames:
        """Decode normalised latents (1, C, T, H, W) that carry the noise of ``timestep``."""
        vae = self._vae
        real = self._pipe._denormalize_latents(latents, vae.latents_mean, vae.latents_std, vae.config.scaling_factor)
        pictures = vae.decode(real.to(vae.dtype), timestep, return_dict=False)[0]  # (1, 3, T, H, W)
        if not torch.isfinite(pictures).all():
            raise ArithmeticError("the picture's decoder gave NaN")
        levels = (pictures[0].float().clamp(-1, 1) + 1) * 127.5
        frames: Frames = levels.round().to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()  # (T, H, W, 3)
        return frames

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        vae = self._vae
        batch = pictures[None].to(self._device, vae.dtype)  # (1, 3, T, H, W)
        real = vae.encode(batch, return_dict=False)[0].mode().float()
        normal: Tensor = self._pipe._normalize_latents(
            real, vae.latents_mean, vae.latents_std, vae.config.scaling_factor
        )[0]  # (C, T, H, W)
        return normal


class Ltx2Model:
    """A loaded LTX-2 pipeline, whatever its size."""

    def __init__(self, pipe: Any, manifest: Manifest, plan: Plan) -> None:
        self._pipe, self.manifest, self.plan = pipe, manifest, plan
        self._device = torch.device(plan.device)
        self.decoder = Ltx2Decoder(pipe, self._device)
        self._audio_channels: int = pipe.audio_vae.config.latent_channels
        self._mel_bins: int = pipe.audio_vae.config.mel_bins // pipe.audio_vae_mel_compression_ratio
        self._negatives: dict[tuple[str, int], Text] = {}
        self._sounds = ThreadPoolExecutor(1, thread_name_prefix="rushes-sound")
        # A twenty-fifth less time for a step of a small model. Offload moves weights meanwhile, which must stay plain.
        self._without_gradients = torch.no_grad if plan.offload else torch.inference_mode

    @torch.no_grad()
    def start(self, recipe: Recipe) -> Ltx2Latents:
        call = {**CALL_DEFAULTS, **recipe.call}
        grid = self._grid(recipe)
        # Drawn on the CPU, so that a seed gives the same noise on any machine; in the stock pipeline's order.
        generator = torch.Generator().manual_seed(recipe.seed)
        video = self._noise((1, self._pipe.transformer.config.in_channels, *_video_shape(grid)), generator)
        audio = self._noise((1, self._audio_channels, grid.audio_frames, self._mel_bins), generator)
        packed = self._pipe._pack_latents(video, *self._patch)
        return Ltx2Latents(
            call=call,
            grid=grid,
            prompt=self._encode(recipe.prompt, call["max_sequence_length"]),
            negative=self._negative(call["negative_prompt"], call["max_sequence_length"]),
            sigmas=self._sigmas(call["steps"], call["sigmas"], packed.shape[1]),
            video=packed,
            audio=self._pipe._pack_audio_latents(audio),
            generator=generator,
        )

    def step(self, batch: Sequence[Latents]) -> None:
        jobs = [job for job in batch if isinstance(job, Ltx2Latents)]
        with self._without_gradients():
            guided = self._guide(jobs)
            for job, prediction in zip(jobs, guided, strict=True):
                advance(job, prediction)

    @torch.no_grad()
    def predicted(self, latents: Latents) -> Tensor:
        job = _own(latents)
        packed = job.video if job.clean is None else job.clean
        whole: Tensor = self._unpack(packed, job.grid)[0]  # (C, T, H, W)
        return whole

    def is_finite(self, latents: Latents) -> bool:
        job = _own(latents)
        return bool(torch.isfinite(job.video).all() and torch.isfinite(job.audio).all())

    def freeze(self, latents: Latents) -> dict[str, Tensor]:
        job = _own(latents)
        tensors = {"video": job.video, "audio": job.audio, "sigmas": job.sigmas, "step": torch.tensor(job.step)}
        return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}

    def thaw(self, recipe: Recipe, tensors: dict[str, Tensor]) -> Ltx2Latents:
        job = self.start(recipe)
        fresh = self.freeze(job)
        for name, tensor in fresh.items():
            if name not in tensors or tensors[name].shape != tensor.shape:
                raise ValueError(f"{name}: expected shape {tuple(tensor.shape)}")
        step = int(tensors["step"])
        if not 0 <= step <= job.steps or not torch.equal(tensors["sigmas"], fresh["sigmas"]):
            raise ValueError("the state is of another schedule")
        job.video, job.audio = tensors["video"].to(self._device), tensors["audio"].to(self._device)
        job.step = step
        return job

    @torch.no_grad()
    def finish(self, latents: Latents, how: Decoding) -> Clip:
        job = _own(latents)
        # With steps beside, sound on a thread of its own makes three for a CPU of two cores: all of them slower.
        is_apart = how is Decoding.BESIDE and self.plan.device == "cpu"
        if how is Decoding.FRUGAL or is_apart or self.plan.offload:
            return Clip(self._decode_video(job, how), self._decode_audio(job))
        sound = self._sounds.submit(self._decode_audio, job)
        try:
            frames = self._decode_video(job, how)
        finally:
            wait([sound])
        return Clip(frames, sound.result())

    def _grid(self, recipe: Recipe) -> Grid:
        pipe = self._pipe
        seconds = recipe.frames / self.manifest.rate_hz
        mel_hz = pipe.audio_sampling_rate / pipe.audio_hop_length
        return Grid(
            frames=(recipe.frames - 1) // pipe.vae_temporal_compression_ratio + 1,
            height=recipe.height // pipe.vae_spatial_compression_ratio,
            width=recipe.width // pipe.vae_spatial_compression_ratio,
            audio_frames=round(seconds * (mel_hz / pipe.audio_vae_temporal_compression_ratio)),
        )

    @property
    def _patch(self) -> tuple[int, int]:
        return self._pipe.transformer_spatial_patch_size, self._pipe.transformer_temporal_patch_size

    def _unpack(self, packed: Tensor, grid: Grid) -> Tensor:
        unpacked: Tensor = self._pipe._unpack_latents(packed, *_video_shape(grid), *self._patch)
        return unpacked  # (1, C, T, H, W)

    def _noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        noise: Tensor = randn_tensor(shape, generator=generator, device=self._device, dtype=torch.float32)
        return noise

    def _encode(self, prompt: str, tokens: int) -> Text:
        pipe = self._pipe
        embeds, mask, _, _ = pipe.encode_prompt(
            prompt, do_classifier_free_guidance=False, max_sequence_length=tokens, device=self._device
        )
        return Text(*pipe.connectors(embeds, mask, padding_side=pipe.tokenizer.padding_side))

    def _negative(self, prompt: str, tokens: int) -> Text:
        """The same few negative prompts serve all jobs."""
        key = (prompt, tokens)
        if key not in self._negatives:
            self._negatives[key] = self._encode(prompt, tokens)
        return self._negatives[key]

    def _sigmas(self, steps: int, given: list[float] | None, tokens: int) -> Tensor:
        scheduler = copy.deepcopy(self._pipe.scheduler)
        config = scheduler.config
        shift = calculate_shift(
            tokens,
            config.get("base_image_seq_len", 1024),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.95),
            config.get("max_shift", 2.05),
        )
        sigmas = np.linspace(1.0, 1 / steps, steps) if given is None else given
        scheduler.set_timesteps(sigmas=sigmas, mu=shift, device=self._device)
        schedule: Tensor = scheduler.sigmas.to(self._device)
        return schedule

    def _guide(self, jobs: Sequence[Ltx2Latents]) -> list[Prediction]:
        """Every job's prediction with all the guidance that it asks for, in one to three forward passes."""
        with_text = [job for job in jobs if job.is_guided]
        rows = [*((job, job.negative) for job in with_text), *((job, job.prompt) for job in jobs)]
        seen = self._predict(rows)
        without = dict(zip(map(id, with_text), seen, strict=False))
        stg_jobs = [job for job in jobs if job.has_stg]
        blocks = jobs[0].call["spatio_temporal_guidance_blocks"]
        stg = self._predict([(job, job.prompt) for job in stg_jobs], blocks=blocks)
        without_stg = dict(zip(map(id, stg_jobs), stg, strict=True))
        apart_jobs = [job for job in jobs if job.has_modality]
        apart = self._predict([(job, job.prompt) for job in apart_jobs], isolate=True)
        without_other = dict(zip(map(id, apart_jobs), apart, strict=True))
        return [
            combine(job, plain, without.get(id(job)), without_stg.get(id(job)), without_other.get(id(job)))
            for job, plain in zip(jobs, seen[len(with_text) :], strict=True)
        ]

    def _predict(
        self, rows: Sequence[tuple[Ltx2Latents, Text]], *, blocks: list[int] | None = None, isolate: bool = False
    ) -> list[Prediction]:
        """One forward pass; a row is a job with one of its prompts."""
        if not rows:
            return []
        jobs, texts = [job for job, _ in rows], [text for _, text in rows]
        grid, dtype = jobs[0].grid, texts[0].video.dtype
        transformer = self._pipe.transformer
        mask = torch.cat([text.mask for text in texts])
        timestep = torch.stack([job.sigma for job in jobs]) * self._pipe.scheduler.config.num_train_timesteps  # (B,)
        video, audio = torch.cat([job.video for job in jobs]), torch.cat([job.audio for job in jobs])
        flows = transformer(
            hidden_states=video.to(dtype),
            audio_hidden_states=audio.to(dtype),
            encoder_hidden_states=torch.cat([text.video for text in texts]),
            audio_encoder_hidden_states=torch.cat([text.audio for text in texts]),
            timestep=timestep,
            sigma=timestep,
            encoder_attention_mask=mask,
            audio_encoder_attention_mask=mask,
            num_frames=grid.frames,
            height=grid.height,
            width=grid.width,
            fps=float(self.manifest.rate_hz),
            audio_num_frames=grid.audio_frames,
            isolate_modalities=isolate,
            spatio_temporal_guidance_blocks=blocks,
            use_cross_timestep=jobs[0].call["use_cross_timestep"],
            return_dict=False,
        )
        return [clean(job, *(flow[row : row + 1].float() for flow in flows)) for row, job in enumerate(jobs)]

    def _decode_video(self, job: Ltx2Latents, how: Decoding) -> Frames:
        if how is not Decoding.FRUGAL:
            return self._decode_whole(job)
        self._pipe.vae.enable_tiling()
        try:
            return self._decode_whole(job)
        finally:
            self._pipe.vae.disable_tiling()

    def _decode_whole(self, job: Ltx2Latents) -> Frames:
        pipe, call = self._pipe, job.call
        latents = self._unpack(job.video, job.grid).to(job.prompt.video.dtype)
        if not pipe.vae.config.timestep_conditioning:
            return self.decoder.decode_at(latents, None)
        noise = randn_tensor(latents.shape, generator=job.generator, device=self._device, dtype=latents.dtype)
        timestep = torch.tensor([call["decode_timestep"]], device=self._device, dtype=latents.dtype)
        scale = call["decode_timestep"] if call["decode_noise_scale"] is None else call["decode_noise_scale"]
        return self.decoder.decode_at((1 - scale) * latents + scale * noise, timestep)

    def _sound(self, mel: Tensor) -> Tensor:
        """Mels (1, channels, frames, bins) to (1, channels, samples)."""
        if self.manifest.griffin_lim is None:
            wave: Tensor = self._pipe.vocoder(mel)
            return wave
        scale = MelScale.of(self.manifest.griffin_lim, mel.shape[-1], self.manifest.sample_rate_hz)
        return griffin_lim(mel.float().cpu(), scale)

    @torch.no_grad()  # each thread has its own mode
    def _decode_audio(self, job: Ltx2Latents) -> np.ndarray[Any, np.dtype[np.float32]]:
        pipe, vae = self._pipe, self._pipe.audio_vae
        packed = pipe._denormalize_audio_latents(job.audio, vae.latents_mean, vae.latents_std)
        latents = pipe._unpack_audio_latents(packed, job.grid.audio_frames, num_mel_bins=self._mel_bins)
        mel = vae.decode(latents.to(vae.dtype), return_dict=False)[0]  # (1, channels, frames, mel)
        wave = self._sound(mel)[0].float()  # (channels, samples)
        if not torch.isfinite(wave).all():
            raise ArithmeticError("the sound's decoder gave NaN")
        samples: np.ndarray[Any, np.dtype[np.float32]] = wave.clamp(-1, 1).T.cpu().numpy()  # (samples, channels)
        return samples


def load(source: Source, plan: Plan) -> Model:
    """Load the parts with the stock pipeline, which never runs code that came with the weights."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    if plan.device == "cpu":
        torch.set_num_threads(plan.threads)
    pipe: Any = LTX2Pipeline.from_pretrained(
        str(source.folder), dtype=getattr(torch, plan.dtype), local_files_only=True, use_safetensors=True
    )
    if pipe.scheduler.config.get("stochastic_sampling"):
        raise ModelError("model.wrong_class", "scheduler: expected Euler steps, got stochastic sampling")
    if plan.offload:
        pipe.enable_model_cpu_offload()
    else:
        pipe.to(plan.device)
    manifest = source.manifest or default_manifest(source.name, pipe)
    for quality, call in manifest.calls.items():
        unknown = set(call) - set(CALL_DEFAULTS) - {"steps"}
        if unknown:
            raise ModelError("model.bad_manifest", f"qualities.{quality}: {', '.join(sorted(unknown))}: unknown")
    return Ltx2Model(pipe, manifest, plan)


def default_manifest(name: str, pipe: Any) -> Manifest:
    """The offer of LTX-2 weights that come without a manifest: the stock call, at common shapes."""
    data = json.loads(STOCK_OFFER.read_text(encoding="utf-8"))
    sample_rate_hz = pipe.vocoder.config.output_sampling_rate
    return parse({**data, "name": name.rstrip("/").rpartition("/")[2], "sample_rate_hz": sample_rate_hz})


def _own(latents: Latents) -> Ltx2Latents:
    assert isinstance(latents, Ltx2Latents)
    return latents


def _video_shape(grid: Grid) -> tuple[int, int, int]:
    return grid.frames, grid.height, grid.width
