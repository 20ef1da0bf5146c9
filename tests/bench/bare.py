"""The stock diffusers call, and nothing else: what a take is measured against.

A process of its own, because benches load no torch. It reads a quality a line and answers with the seconds that the
call took.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from project.env import ROOT


class Bare:
    """The other end of such a process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def seconds(self, quality: str) -> float:
        """How long one call takes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(quality, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())


@contextmanager
def bare(model: str) -> Iterator[Bare]:
    """A loaded and warm pipeline."""
    command = [sys.executable, "-m", "tests.bench.bare", model]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        pipeline = Bare(process)
        pipeline.seconds("draft")
        yield pipeline
    finally:
        process.terminate()
        process.communicate()


def main(folder: str) -> None:
    """Answer until the input ends."""
    from inference import config

    config.prepare_environment()
    import torch

    from inference.pipelines import registry

    model = registry.load(folder, "auto")
    offer, pipe = model.manifest, model._pipe  # type: ignore[attr-defined]  # the stock pipeline, as it was loaded
    pipe.set_progress_bar_config(disable=True)
    for line in sys.stdin:
        call = dict(offer.calls[line.strip()])
        begun_s = time.perf_counter()
        pipe(
            "a red ball bounces at sunset",
            width=offer.sizes[0].width,
            height=offer.sizes[0].height,
            num_frames=offer.lengths[0],
            frame_rate=float(offer.rate_hz),
            num_inference_steps=call.pop("steps"),
            generator=torch.Generator().manual_seed(7),
            output_type="np",
            **call,
        )
        print(time.perf_counter() - begun_s, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
