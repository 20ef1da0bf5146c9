"""The eighth stage: the folder that ships. Half precision, shards of at most 16 MiB, a manifest with checksums."""

import copy
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import torch
from diffusers import LTX2Pipeline

from inference.tiny.captions.grammar import LANGUAGES
from inference.tiny.recipe.config import HOP, SAMPLE_RATE_HZ, WINDOW, Config
from inference.tiny.recipe.mel import CENTRE, LOWEST_HZ, SPREAD
from inference.tiny.recipe.models import scheduler
from inference.tiny.recipe.parts import Parts
from inference.tiny.world.attributes import ACTIONS, LIGHTS, PACES, Scene

SHARD = "16MB"
"""Read as 16,000,000 bytes: below the 16 MiB that the repository allows a file."""
VERSION = "0.4"
CONTROL_VALUES = {"light": LIGHTS[1:], "pace": PACES}
CALL: dict[str, Any] = {
    "stg_scale": 0.0, "audio_stg_scale": 0.0, "modality_scale": 1.0, "audio_modality_scale": 1.0,
    "guidance_rescale": 0.0, "audio_guidance_rescale": 0.0, "spatio_temporal_guidance_blocks": None,
}  # fmt: skip
"""The stock defaults are for the model of 19 billion parameters."""
GRIFFIN_LIM = {"window": WINDOW, "hop": HOP, "lowest_hz": LOWEST_HZ, "centre": CENTRE, "spread": SPREAD}


def pipeline(parts: Parts) -> Any:
    """The parts as a stock pipeline."""
    return LTX2Pipeline(
        scheduler=scheduler(),
        vae=parts.vae,
        audio_vae=parts.audio_vae,
        text_encoder=parts.text_encoder,
        tokenizer=parts.tokenizer,
        connectors=parts.connectors,
        transformer=parts.transformer,
        vocoder=parts.vocoder,
    )


def export(parts: Parts, folder: Path, qualities: dict[str, dict[str, Any]], *, griffin: bool) -> Path:
    """Write weights and manifest; returns the folder. ``griffin``: the studio makes the sound without the vocoder."""
    pipe = pipeline(parts)
    halves = {
        name: _halved(part) if isinstance(part, torch.nn.Module) else part for name, part in pipe.components.items()
    }
    LTX2Pipeline(**{name: halves[name] for name in _SLOTS}).save_pretrained(folder, max_shard_size=SHARD)
    forget_paths(folder)
    write_manifest(parts.config, folder, qualities, griffin=griffin)
    return folder


def forget_paths(folder: Path) -> None:
    """Take out of the configurations where this machine had the parts of a model that is trained further."""
    for path in folder.glob("*/config.json"):
        values = json.loads(path.read_text())
        if values.pop("_name_or_path", None) is not None:
            path.write_text(json.dumps(values, indent=2) + "\n")


def _halved(part: torch.nn.Module) -> torch.nn.Module:
    """A copy in half precision on the CPU. ``to`` of these classes would warn about parts that they do not have."""
    half = copy.deepcopy(part).cpu()
    for value in (*half.parameters(), *half.buffers()):
        if value.is_floating_point():
            value.data = value.data.half()
    return half


_SLOTS = (
    "scheduler", "vae", "audio_vae", "text_encoder", "tokenizer", "connectors", "transformer", "vocoder",
)  # fmt: skip


def write_manifest(config: Config, folder: Path, qualities: dict[str, dict[str, Any]], *, griffin: bool) -> None:
    """What the model offers, how to call it, and the SHA-256 of every file."""
    cut = config.cut
    manifest = {
        "name": "Rushes Tiny",
        "version": VERSION,
        "family": "ltx2",
        "licence": "Apache-2.0",
        "rate_hz": cut.rate_hz,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "sizes": [_size(*size) for size in ((cut.width, cut.height), *config.more_sizes)],
        "lengths": [cut.frames, *config.more_lengths],
        "qualities": qualities,
        "call": {**CALL, "max_sequence_length": config.prompt_tokens},
        "phrases": "end",
        "controls": controls(config),
        "suggestions": {language: suggestions(config, language) for language in LANGUAGES},
        **({"griffin_lim": GRIFFIN_LIM} if griffin else {}),
        "files": checksums(folder),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _size(width: int, height: int) -> dict[str, Any]:
    common = math.gcd(width, height)
    label = f"{width // common}:{height // common}"
    return {"id": f"{width}x{height}", "width": width, "height": height, "label": label}


def controls(config: Config) -> dict[str, list[dict[str, Any]]]:
    """Style, light and pace with their labels in each language; the phrase is the plainest English one."""
    values = {"style": config.casting.styles, **CONTROL_VALUES}
    tables = {name: getattr(LANGUAGES["en"], f"{name}s") for name in values}
    return {
        name: [
            {
                "id": value,
                "label": {code: lexicon.controls[name][value] for code, lexicon in LANGUAGES.items()},
                "phrase": tables[name][value][0] or tables[name][value][1],
            }
            for value in chosen
        ]
        for name, chosen in values.items()
    }


def suggestions(config: Config, language: str) -> list[str]:
    """What a person may type: a clause for each subject, then phrases of every table."""
    lexicon, casting = LANGUAGES[language], config.casting
    clauses = []
    for k, subject in enumerate(casting.subjects):
        action = ACTIONS[subject][0]
        colour = casting.colours[k % len(casting.colours)]
        scene = Scene(k, subject, colour, action.motion, "right" if action.sided else "")
        clauses.append(plain_clause(scene, language))
    tables = (lexicon.styles, lexicon.weathers, lexicon.cameras, lexicon.lights, lexicon.paces, lexicon.sides)
    kept = (casting.styles, casting.weathers, casting.cameras, casting.lights, PACES, ("left", "right"))
    phrases = [next((w for w in table[v] if w), "") for table, vs in zip(tables, kept, strict=True) for v in vs]
    return [*clauses, *(phrase for phrase in phrases if phrase)]


def plain_clause(scene: Scene, language: str) -> str:
    """The plainest way to say who does what."""
    lexicon = LANGUAGES[language]
    noun = lexicon.nouns[scene.subject][0]
    tint = lexicon.colours[scene.colour][noun.gender]
    thing = (
        f"{'an' if tint[0] in 'aeiou' else 'a'} {tint} {noun.text}"
        if lexicon.colour_first
        else f"{noun.article} {noun.text} {tint}"
    )
    words = (thing, lexicon.verbs[scene.motion][0], lexicon.sides[scene.side][0] if scene.side else "")
    return " ".join(word for word in words if word)


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder but those about it: manifest, card, measures, stages."""
    paths = sorted(p for p in folder.rglob("*") if (p.is_file() and p.parent != folder) or p.name == "model_index.json")
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}
