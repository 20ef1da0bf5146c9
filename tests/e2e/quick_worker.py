"""The light worker with a clip that plays, for those who look at it."""

import os
from collections.abc import Callable
from dataclasses import replace

import django
from django.core.management import execute_from_command_line

from inference.wire import Finished, Job, Report
from project.env import ROOT
from tests.faults.light_worker import LightRenderer

SAMPLE = ROOT / "static" / "public" / "samples" / "take-ball-en"


class QuickRenderer(LightRenderer):
    """Makes the same clip of everything, 25 frames of it."""

    def submit(self, job: Job, sink: Callable[[Report], None], state: bytes | None = None) -> None:
        super().submit(job, lambda report: sink(_with_pictures(report)), state)


def _with_pictures(report: Report) -> Report:
    if not isinstance(report, Finished):
        return report
    return replace(report, clip=SAMPLE.with_suffix(".mp4").read_bytes(), poster=SAMPLE.with_suffix(".jpg").read_bytes())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from studio.jobs import tasks

    tasks.load_renderer = QuickRenderer
    execute_from_command_line(["manage.py", "worker"])
