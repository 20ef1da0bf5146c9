"""Render one clip from the command line: ``python -m inference "a red ball bounces at sunset" -o clip.mp4``.

Ends with 0 when the clip is written, 1 when rendering failed, 2 for bad input, 3 when the model cannot be loaded,
130 when it was interrupted.
"""

import argparse
import os
import queue
import secrets
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inference import manifest as offer
from inference.config import DEVICES
from inference.errors import JobError, ModelError
from inference.wire import SEED_LIMIT, Cancelled, Failed, Finished, Job, Report, Stepped

if TYPE_CHECKING:
    from inference.worker import Renderer

DONE, FAILED, BAD_INPUT, NO_MODEL, INTERRUPTED = 0, 1, 2, 3, 130
SHIPPED_MODEL = str(Path(__file__).parent / "tiny" / "weights")
_BAR = 30


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    output: Path = options.output
    try:
        if output.is_dir() or not output.absolute().parent.is_dir():
            raise JobError("take.bad_output", f"output: expected a file in a folder that exists, got {output}")
        shipped = offer.read(Path(options.model))  # before the model is loaded, so that bad input is told at once
        if shipped:
            offer.check(shipped, _job(options, shipped.data))
        _say(f"loading {options.model}")
        from inference.worker import Renderer

        renderer = Renderer(options.model, options.device)
    except JobError as error:
        return _end(error.message, BAD_INPUT)
    except ModelError as error:
        return _end(error.message, NO_MODEL)
    try:
        return _render(renderer, _job(options, renderer.manifest), output)
    finally:
        renderer.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m inference", description="Render a clip with sound from a prompt.")
    parser.add_argument("prompt")
    parser.add_argument("-o", "--output", type=Path, default=Path("clip.mp4"), help="MP4 to write (%(default)s)")
    parser.add_argument("--quality", choices=offer.QUALITIES, default="draft", help="(%(default)s)")
    parser.add_argument("--size", default="", help="such as 96x64 (the model's first)")
    parser.add_argument("--frames", type=int, default=0, help="length in pictures (the model's first)")
    parser.add_argument("--seed", type=int, help="the same seed gives the same clip (random)")
    for control in offer.CONTROLS:
        parser.add_argument(f"--{control}", default="", help="one of the model's values (as the prompt says)")
    parser.add_argument(
        "--model", default=os.environ.get("RUSHES_MODEL", SHIPPED_MODEL), help="folder or hub id (the shipped one)"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="(%(default)s)")
    return parser


def _job(options: argparse.Namespace, manifest: dict[str, object]) -> Job:
    """The options as a job.

    Raises:
        JobError: the size is not of the form WIDTHxHEIGHT.
    """
    checked = offer.parse(manifest)
    width, times, height = (options.size or checked.sizes[0].id).partition("x")
    if not (width.isdecimal() and times and height.isdecimal()):
        raise JobError(
            "take.bad_size", f"size: expected WIDTHxHEIGHT, such as {checked.sizes[0].id}, got {options.size}"
        )
    if options.seed is None:
        options.seed = secrets.randbelow(SEED_LIMIT + 1)
    return Job(
        take_id=uuid.uuid4(),
        attempt=1,
        prompt=options.prompt,
        quality=options.quality,
        width=int(width),
        height=int(height),
        frames=options.frames or checked.lengths[0],
        seed=options.seed,
        style=options.style,
        light=options.light,
        pace=options.pace,
        deadline_s=float("inf"),
    )


def _render(renderer: "Renderer", job: Job, output: Path) -> int:
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    renderer.submit(job, reports.put)
    _say(f"rendering on {renderer.device}, seed {job.seed}")
    try:
        while True:
            match reports.get():
                case Stepped(step, steps, left_ms):
                    _progress(step, steps, left_ms)
                case Failed(code, message):
                    return _end(message, BAD_INPUT if code.startswith("take.") else FAILED)
                case Cancelled():
                    return _end("cancelled", INTERRUPTED)
                case Finished() as finished:
                    return _write(finished, output)
    except KeyboardInterrupt:
        renderer.cancel(job.take_id)
        return _end("interrupted", INTERRUPTED)


def _write(finished: Finished, output: Path) -> int:
    try:
        output.write_bytes(finished.clip)
    except OSError as error:
        return _end(f"{output}: {error.strerror}", FAILED)
    seconds = finished.frames / finished.rate_hz
    _say(f"{finished.width}x{finished.height}, {seconds:.1f} s with sound, made in {finished.render_ms / 1000:.1f} s")
    print(output)
    return DONE


def _progress(step: int, steps: int, left_ms: int) -> None:
    full = _BAR * step // steps
    line = f"[{'#' * full}{'.' * (_BAR - full)}] step {step} of {steps}, {left_ms / 1000:.1f} s left"
    if sys.stderr.isatty():
        print(f"\r{line}\033[K", end="\n" if step == steps else "", file=sys.stderr, flush=True)
    else:
        _say(line)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _end(message: str, code: int) -> int:
    _say(f"inference: {message}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
