"""The tests of the small model's world need skia, and skia needs the system's GL libraries to load.

Where it does not load, each file of tests here is reported as skipped, with what to install.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest

try:
    import skia  # noqa: F401
except ImportError as error:
    MISSING = f"skia does not load ({error}). Debian: apt-get install libgl1 libegl1"
else:
    MISSING = ""


class SkippedModule(pytest.Module):
    """A file of tests that is not imported."""

    def collect(self) -> Iterable[NoReturn]:
        """Say why."""
        pytest.skip(MISSING, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Collect nothing where skia is missing."""
    return SkippedModule.from_parent(parent, path=module_path) if MISSING else None
