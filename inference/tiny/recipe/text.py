"""Words for the text encoder: a byte-pair vocabulary learned from captions, and captions to train on."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from transformers import GemmaTokenizer

from inference.tiny.captions.grammar import write
from inference.tiny.recipe.config import Config
from inference.tiny.world.attributes import Scene

SPECIAL = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
BYTES = tuple(f"<0x{value:02X}>" for value in range(256))
"""What any other character falls back to, so that no prompt is without tokens."""
FRENCH_SHARE = 0.4
TYPO_SHARE = 0.08
SAMPLES = 12_000


def tokenizer(config: Config, scenes: Sequence[Scene]) -> Any:
    """A Gemma tokenizer with ``config.vocabulary`` entries; pads on the left, as the pipeline does."""
    rng = np.random.default_rng(config.seed)
    captions = [write(scenes[k % len(scenes)], ("en", "fr")[k % 2], rng) for k in range(SAMPLES)]
    pairs = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    pairs.normalizer = normalizers.Replace(" ", "▁")
    pairs.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=config.vocabulary, special_tokens=[*SPECIAL, *BYTES], show_progress=False)
    pairs.train_from_iterator(captions, trainer)
    learned = json.loads(pairs.to_str())["model"]
    merges = [tuple(merge) for merge in learned["merges"]]
    made = GemmaTokenizer(vocab=learned["vocab"], merges=merges, model_max_length=config.prompt_tokens)
    made.padding_side = "left"
    return made


def captions_of(scenes: Sequence[Scene], random: torch.Generator, drop: float) -> list[str]:
    """A fresh caption for each scene, in either language; empty for a share of them (unguided)."""
    rng = np.random.default_rng(int(torch.randint(2**31, (1,), generator=random)))
    return [
        ""
        if rng.random() < drop
        else write(scene, "fr" if rng.random() < FRENCH_SHARE else "en", rng, typo_share=TYPO_SHARE)
        for scene in scenes
    ]


def encode(parts: Any, prompts: Sequence[str], length: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Prompts through the text encoder and the connectors, as ``LTX2Pipeline.encode_prompt`` does it.

    Returns:
        What the video attends to (B, length, C), what the audio attends to, and the mask of both.
    """
    tokens = parts.tokenizer(
        list(prompts), padding="max_length", max_length=length, truncation=True, return_tensors="pt",
        padding_side="left",
    ).to(device)  # fmt: skip
    states = parts.text_encoder.model.language_model(
        input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, output_hidden_states=True
    ).hidden_states
    stacked = torch.stack(states, -1).flatten(2, 3)  # (B, length, C * layers)
    video, audio, mask = parts.connectors(stacked, tokens.attention_mask, padding_side="left")
    return video, audio, mask
