"""Render the clips of the front page with the shipped model: ``.venv/bin/python -m tools.samples``.

Writes ``static/public/samples``: for each prompt an MP4 and its poster, the previews on the way to the first of
them, and ``samples.json``, which the page reads. Run it again when the shipped model changes.
"""

import hashlib
import json
import queue
import uuid
from dataclasses import dataclass
from typing import Any

from inference import wire
from inference.worker import Renderer
from project.env import ROOT
from studio.domain.stories import LANGUAGES, STORIES, Story

FOLDER = ROOT / "static" / "public" / "samples"
MODEL = ROOT / "inference" / "tiny" / "weights"
QUALITY = "final"
SHOWN_STEPS = 6
RENDER_TIMEOUT_S = 120


@dataclass(frozen=True)
class Wish:
    """One clip to make. Seeds are fixed so that a repeat gives the same clips."""

    name: str
    prompt: str
    seed: int


WISHES = (
    Wish("lighthouse", "a red lighthouse flashes at night", 2),
    Wish("train", "a red train rides to the right in daylight", 1),
    Wish("cat", "an orange cat walks to the right in daylight", 2),
    Wish("house", "a blue house stands in the rain", 1),
    Wish("boat", "a white boat sails to the right at sunset", 1),
    Wish("door", "a purple door opens as a pencil drawing", 4),
)
"""The front page."""


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(str(MODEL), "cpu")
    try:
        made = [(wish, *_render(renderer, wish)) for wish in WISHES]
        takes = {story.name: {code: _take(renderer, story, code) for code in LANGUAGES} for story in STORIES}
    finally:
        renderer.close()
    listing = {
        "model": f"{renderer.manifest['name']} {renderer.manifest['version']}",
        "clips": [_keep_clip(wish, finished) for wish, finished, _ in made],
        "steps_prompt": made[0][0].prompt,
        "steps": _keep_steps(made[0][2]),
        "takes": takes,
    }
    (FOLDER / "samples.json").write_text(json.dumps(listing, indent=2, ensure_ascii=False) + "\n")


def _take(renderer: Renderer, story: Story, language: str) -> dict[str, Any]:
    """The take that comes with a shot of the sample project: all that the studio keeps of one."""
    wish = Wish(f"take-{story.name}-{language}", story.prompts[language], story.seed)
    finished, previews = _render(renderer, wish)
    return {
        **_keep_files(wish.name, finished),
        "prompt": wish.prompt,
        "quality": QUALITY,
        "width": finished.width,
        "height": finished.height,
        "frames": finished.frames,
        "seed": wish.seed,
        "steps": previews[-1].steps,
        "rate_hz": finished.rate_hz,
        "sample_rate_hz": finished.sample_rate_hz,
        "waveform": list(finished.waveform),
        "model": finished.model,
        "model_prompt": finished.model_prompt,
        "render_ms": finished.render_ms,
        "clip_size_bytes": len(finished.clip),
        "clip_sha256": hashlib.sha256(finished.clip).hexdigest(),
    }


def _render(renderer: Renderer, wish: Wish) -> tuple[wire.Finished, list[wire.PreviewPacket]]:
    reports: queue.Queue[wire.Report] = queue.Queue()
    size, frames = renderer.manifest["sizes"][0], renderer.manifest["lengths"][0]
    job = wire.Job(uuid.uuid4(), 1, wish.prompt, QUALITY, size["width"], size["height"], frames, wish.seed)
    renderer.submit(job, reports.put)
    previews: list[wire.PreviewPacket] = []
    while True:
        report = reports.get(timeout=RENDER_TIMEOUT_S)
        if isinstance(report, wire.Stepped) and report.packet:
            previews.append(wire.PreviewPacket.decode(report.packet))
        if isinstance(report, wire.Finished):
            return report, previews
        if isinstance(report, wire.Failed):
            raise SystemExit(f"{wish.name}: {report.message}")


def _keep_files(name: str, finished: wire.Finished) -> dict[str, str]:
    (FOLDER / f"{name}.mp4").write_bytes(finished.clip)
    (FOLDER / f"{name}.jpg").write_bytes(finished.poster)
    return {"clip": f"{name}.mp4", "poster": f"{name}.jpg"}


def _keep_clip(wish: Wish, finished: wire.Finished) -> dict[str, Any]:
    return {
        **_keep_files(wish.name, finished),
        "prompt": wish.prompt,
        "width": finished.width,
        "height": finished.height,
        "duration_s": round(finished.frames / finished.rate_hz, 1),
    }


def _keep_steps(previews: list[wire.PreviewPacket]) -> list[dict[str, Any]]:
    """A frame from the middle of each of some previews; the early ones, where most happens, and the last."""
    kept = []
    for number in range(SHOWN_STEPS):
        packet = previews[round((len(previews) - 1) * (number / (SHOWN_STEPS - 1)) ** 1.6)]
        name = f"step-{number + 1}.jpg"
        (FOLDER / name).write_bytes(packet.frames[len(packet.frames) // 2][1])
        frame = {"image": name, "step": packet.step, "steps": packet.steps}
        kept.append({**frame, "width": packet.width, "height": packet.height})
    return kept


if __name__ == "__main__":
    main()
