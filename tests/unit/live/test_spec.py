"""The two specifications and the tests name the same rules."""

import re
from pathlib import Path

import pytest

from project.env import ROOT

HOMES = ("tests/unit/live", "tests/live", "tests/front")


def live_tests() -> str:
    """The text of every test of what is live, in Python and in TypeScript."""
    paths: list[Path] = [path for home in HOMES for path in (ROOT / home).rglob("*test*") if path.is_file()]
    return "\n".join(path.read_text() for path in paths if path.suffix in (".py", ".ts"))


@pytest.mark.parametrize(("spec", "letter"), [("SPEC.md", "D"), ("SPEC-ROOM.md", "R")])
def test_every_rule_has_a_test_and_every_test_a_rule(spec: str, letter: str) -> None:
    found = re.findall(rf"^- \*\*{letter}-(\d+)\*\*", (ROOT / "studio/live" / spec).read_text(), re.MULTILINE)
    named = re.compile(rf"def test_{letter.lower()}(\d+)_|it\(\"{letter}-(\d+): ")
    tested = {int(python or typescript) for python, typescript in named.findall(live_tests())}
    assert tested == set(map(int, found))
    assert len(found) == len(set(found))
