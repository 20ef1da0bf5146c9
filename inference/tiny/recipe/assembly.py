"""Puts parts together, fresh or from the files of finished stages, and loads an exported model for evaluation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from inference.tiny.recipe import files, models, text
from inference.tiny.recipe.config import Config
from inference.tiny.recipe.data import Clips
from inference.tiny.recipe.parts import Parts
from inference.tiny.world.attributes import Cut

READING = ("text_encoder", "connectors")
"""What the words stage trains."""
MAKING = ("transformer",)
"""What the diffusion stage trains."""


def fresh(config: Config, clips: Clips, vae: Any, audio_vae: Any, vocoder: Any, device: torch.device) -> Parts:
    """Parts of which the learned ones are new; the same for the same seed."""
    torch.manual_seed(config.seed)
    words = text.tokenizer(config, clips.scenes)
    return Parts(
        config,
        device,
        vae,
        audio_vae,
        vocoder,
        words,
        models.text_encoder(config, len(words)).to(device),
        models.connectors(config).to(device),
        models.transformer(config).to(device),
    )


def save_learned(parts: Parts, names: tuple[str, ...], path: Path) -> None:
    """Keep what a stage trained."""
    files.save({name: getattr(parts, name).state_dict() for name in names}, path)


def load_learned(parts: Parts, path: Path) -> None:
    """Take over what a stage kept."""
    for name, state in torch.load(path, map_location=parts.device, weights_only=True).items():
        getattr(parts, name).load_state_dict(state)


def exported(
    config: Config, folder: Path, device: torch.device, cut: Cut | None = None, *, half: bool = False
) -> Parts:
    """A model folder, as the studio loads it, in float32. ``half``: it is trained further, in bfloat16."""
    from diffusers import LTX2Pipeline

    pipe = LTX2Pipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True, use_safetensors=True).to(
        device
    )
    tokens = pipe.connectors.config.video_connector_num_learnable_registers
    own = replace(
        config,
        cut=cut or config.cut,
        half=half,
        latent_channels=pipe.transformer.config.in_channels,
        prompt_tokens=tokens,
        mel_bins=pipe.audio_vae.config.mel_bins,
        audio_latent_channels=pipe.audio_vae.config.latent_channels,
    )
    names = ("vae", "audio_vae", "vocoder", "tokenizer", "text_encoder", "connectors", "transformer")
    return Parts(own, device, *(getattr(pipe, name) for name in names))
