"""A studio in parts, for browsers: a test ends its processes and starts them again by itself."""

from tests.faults.part import Part
from tests.faults.stage import Stage

KEEPER = "studio.live.keeper"
QUICK = ("-m", "tests.e2e.quick_worker")


class House(Stage):
    """A stage whose visitors come to its first web process."""

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def web(self) -> Part:
        """The process that they are connected to."""
        return self.webs[0]

    def quick_worker(self) -> Part:
        """A worker that loads no model, has every clip at once, and dies of a word."""
        worker = self.worker(*QUICK)
        self.await_worker(worker)
        return worker
