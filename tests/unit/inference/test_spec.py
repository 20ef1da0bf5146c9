"""SPEC.md and the tests name the same rules."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_rule_has_a_test_and_every_test_a_rule() -> None:
    rules = set(re.findall(r"^- \*\*R(\d+) ", (ROOT / "inference" / "SPEC.md").read_text(), re.MULTILINE))
    tests = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    tested = {number for text in tests for number in re.findall(r"^def test_r(\d+)_", text, re.MULTILINE)}
    assert rules == tested
    assert len(rules) == 19
