"""The inference service as its host process sees it: one ``Renderer``, with the model loaded once and warm."""

import logging
import sys
import time
from typing import Any
from uuid import UUID

from inference import config

config.prepare_environment()  # before torch is imported, below

from inference import media, tiers  # noqa: E402
from inference.engine import Engine, Pace  # noqa: E402
from inference.errors import ModelError  # noqa: E402
from inference.outbox import Outbox, Sink  # noqa: E402
from inference.pipelines import registry  # noqa: E402
from inference.pipelines.base import Decoding, Model, Recipe  # noqa: E402
from inference.wire import Job  # noqa: E402

__all__ = ["ModelError", "Renderer"]

log = logging.getLogger(__name__)

SWITCH_S = 0.0003
"""How long the loop may wait for a thread that runs Python, each time one of its thousands of small operations is done.

Python's own 5 ms made takes of forty steps two to four per cent longer while the process sketched and reported.
"""


class Renderer:
    """Renders takes, several at once, on threads of its own. ``device`` is in words, for people."""

    manifest: dict[str, Any]
    device: str

    def __init__(self, model: str, device: str = "auto", *, max_jobs: int = 8) -> None:
        """Load a model from a folder or a hub id and try it once.

        Raises:
            ModelError: the model is missing, broken or of another class, or the device is not there.
        """
        loaded = registry.load(model, device)
        self.manifest, self.device = loaded.manifest.data, loaded.plan.words
        preview, pace = _warm_up(loaded)
        self._outbox = Outbox(preview, loaded.manifest.rate_hz)
        self._engine = Engine(loaded, self._outbox, pace, max_jobs=max_jobs)
        sys.setswitchinterval(SWITCH_S)
        self._engine.start()
        tier = type(preview.best).__name__
        log.info("%s on %s: %.0f ms a step, %s", loaded.manifest.title, self.device, pace.step_s * 1000, tier)

    def submit(self, job: Job, sink: Sink, state: bytes | None = None) -> None:
        """Render a job, from a checkpoint's ``state`` if there is one.

        ``sink`` is called from the renderer's threads with each report, in the order that ``wire`` says; it must
        return at once. What is wrong with the job is reported, never raised.
        """
        self._engine.submit(job, sink, state)

    def cancel(self, take_id: UUID) -> None:
        """Stop a job at its next denoise step. A job that is not here is left alone."""
        self._engine.cancel(take_id)

    def close(self) -> None:
        """Stop after the step in hand; the state of each job is reported, then that it failed and may be retried."""
        self._engine.close()
        self._outbox.close()


def _warm_up(model: Model) -> tuple[tiers.Tiers, Pace]:
    """Make one clip of two steps: the first take is not slower then, and damaged weights show.

    Raises:
        ModelError: ``model.broken``: the weights give NaN or do not fit together; ``model.too_big``.
    """
    try:
        return _try_out(model)
    except Exception as error:
        raise registry.explain(f"{model.manifest.title}: a first clip failed", error) from error


def _try_out(model: Model) -> tuple[tiers.Tiers, Pace]:
    offer = model.manifest
    size, frames = offer.sizes[0], offer.lengths[0]
    call = {**offer.calls["draft"], "steps": 2, "sigmas": None}
    latents = model.start(Recipe("warm up", size.width, size.height, frames, 0, call))
    model.step([latents])
    started_s = time.perf_counter()
    model.step([latents])
    if not model.is_finite(latents):
        raise ArithmeticError("the transformer gave NaN")
    step_s = time.perf_counter() - started_s
    largest = max(other.width * other.height for other in offer.sizes) * max(offer.lengths)
    scale = largest / (size.width * size.height * frames)
    preview = tiers.choose(model.decoder, model.predicted(latents), scale, offload=model.plan.offload)
    started_s = time.perf_counter()
    media.encode(model.finish(latents, Decoding.ALONE), offer.rate_hz, offer.sample_rate_hz)
    return preview, Pace(step_s, time.perf_counter() - started_s)
