"""Render the clips of the front page with the shipped model: ``.venv/bin/python -m tools.samples``.

Writes ``static/public/samples``: for each prompt an MP4 and its poster, the previews on the way to the first of
them, and ``samples.json``, which the page reads. Run it again when the shipped model changes.
"""

import json
import queue
import uuid
from dataclasses import dataclass
from typing import Any

from inference import wire
from inference.worker import Renderer
from project.env import ROOT

FOLDER = ROOT / "static" / "public" / "samples"
MODEL = ROOT / "inference" / "tiny" / "weights"
WIDTH, HEIGHT, FRAMES = 96, 64, 25
SHOWN_STEPS = 6
RENDER_TIMEOUT_S = 120


@dataclass(frozen=True)
class Wish:
    """One clip to make. Seeds are fixed so that a repeat gives the same clips."""

    name: str
    prompt: str
    seed: int


WISHES = (
    Wish("bell", "a purple bell ringing, bell chimes, in neon style", 5),
    Wish("boat", "a white boat on fast sea waves, wave noise, at night", 1),
    Wish("ball", "a red ball bouncing to the right, boing sounds, at sunset", 3),
    Wish("car", "a yellow car driving to the left, engine hum, on a sunny day", 4),
    Wish("house", "heavy rain falling on a blue house, rain patter", 2),
    Wish("orb", "a glowing white orb rising, a gliding tone, under a starry sky", 4),
)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(str(MODEL), "cpu")
    try:
        made = [(wish, *_render(renderer, wish)) for wish in WISHES]
    finally:
        renderer.close()
    listing = {
        "model": f"{renderer.manifest['name']} {renderer.manifest['version']}",
        "clips": [_keep_clip(wish, finished) for wish, finished, _ in made],
        "steps_prompt": made[0][0].prompt,
        "steps": _keep_steps(made[0][2]),
    }
    (FOLDER / "samples.json").write_text(json.dumps(listing, indent=2) + "\n")


def _render(renderer: Renderer, wish: Wish) -> tuple[wire.Finished, list[wire.PreviewPacket]]:
    reports: queue.Queue[wire.Report] = queue.Queue()
    renderer.submit(wire.Job(uuid.uuid4(), 1, wish.prompt, "final", WIDTH, HEIGHT, FRAMES, wish.seed), reports.put)
    previews: list[wire.PreviewPacket] = []
    while True:
        report = reports.get(timeout=RENDER_TIMEOUT_S)
        if isinstance(report, wire.Stepped) and report.packet:
            previews.append(wire.PreviewPacket.decode(report.packet))
        if isinstance(report, wire.Finished):
            return report, previews
        if isinstance(report, wire.Failed):
            raise SystemExit(f"{wish.name}: {report.message}")


def _keep_clip(wish: Wish, finished: wire.Finished) -> dict[str, Any]:
    (FOLDER / f"{wish.name}.mp4").write_bytes(finished.clip)
    (FOLDER / f"{wish.name}.jpg").write_bytes(finished.poster)
    return {
        "prompt": wish.prompt,
        "clip": f"{wish.name}.mp4",
        "poster": f"{wish.name}.jpg",
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
