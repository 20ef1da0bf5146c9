"""The model that ships, with long final takes: time enough to cancel one, or to kill its worker, in the middle."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

from project.env import ROOT

SHIPPED = ROOT / "inference" / "tiny" / "weights"
STEPS = 40


@cache
def model() -> Path:
    """A folder with the shipped weights, the same files, and a manifest in which a final take has ``STEPS`` steps."""
    folder = Path(tempfile.mkdtemp(prefix="rushes-patient-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    for path in SHIPPED.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            target = folder / path.relative_to(SHIPPED)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    manifest["qualities"]["final"]["steps"] = STEPS
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
