"""The manifest beside a model: read, held against jobs, and its phrases added to prompts."""

from pathlib import Path
from typing import Any

import pytest

from inference.errors import JobError, ModelError
from inference.manifest import check, compose, parse, read
from tests.unit.inference.fakes import make_job, manifest_data

SHIPPED = Path(__file__).parents[3] / "inference" / "tiny" / "weights"


def test_r15_the_shipped_manifest_is_right() -> None:
    manifest = read(SHIPPED)
    assert manifest is not None
    assert manifest.calls["draft"]["guidance_scale"] == 1.0
    assert manifest.calls["draft"]["steps"] < manifest.calls["final"]["steps"]
    kept = [path for path in SHIPPED.rglob("*") if path.is_file() and path.parent != SHIPPED]
    names = {path.relative_to(SHIPPED).as_posix() for path in kept} | {"model_index.json"}
    assert set(manifest.files) == names


def test_the_shipped_weights_are_small_enough_for_a_repository() -> None:
    sizes = [path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(sizes) <= 40_000_000
    assert max(sizes) <= 16 * 1024 * 1024


def test_a_folder_without_a_manifest_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None


def test_r15_a_manifest_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ModelError, match="the file: expected JSON"):
        read(tmp_path)


SIZE = {"id": "96x64", "width": 96, "height": 64, "label": "3:2"}
MELS = {"window": 512, "hop": 256, "lowest_hz": 40.0, "centre": 5.0, "spread": 2.5}
CHOICE = {"id": "a", "phrase": "b", "label": {"en": "A", "fr": "B"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name: expected text, got ''"),
        ({"rate_hz": 0}, "rate_hz: expected a whole number from 1 to 240, got 0"),
        ({"rate_hz": True}, "rate_hz: expected a whole number"),
        ({"sample_rate_hz": "16000"}, "sample_rate_hz: expected a whole number"),
        ({"sizes": []}, "sizes: expected a list of at least one size"),
        ({"sizes": [{**SIZE, "width": 100}]}, r"sizes\[0\]: expected a width and a height that are multiples of 32"),
        ({"sizes": [{**SIZE, "id": "64x96"}]}, r'sizes\[0\]: expected id "96x64" and a label'),
        ({"lengths": [0]}, "lengths: expected a list of frame counts"),
        ({"qualities": {"draft": {"steps": 4}}}, "qualities: expected an object with draft and final"),
        ({"qualities": {"draft": {"steps": 0}, "final": {"steps": 4}}}, "qualities.draft.steps: expected a whole"),
        ({"call": []}, "call: expected an object"),
        ({"controls": {"mood": []}}, "controls: expected an object with some of style, light, pace"),
        ({"controls": {"style": {}}}, "controls.style: expected a list"),
        ({"controls": {"style": [{"id": "a"}]}}, r"controls.style\[0\]: expected an id and a phrase"),
        ({"controls": {"style": [{**CHOICE, "label": {"en": "A"}}]}}, r"style\[0\].label: expected a text for each"),
        ({"phrases": "start"}, "phrases: expected one of end, first_clause, got 'start'"),
        ({"griffin_lim": {"window": 512}}, "griffin_lim: expected an object with window, hop, lowest_hz"),
        ({"griffin_lim": {**MELS, "hop": 600}}, "griffin_lim: expected a window .* and a hop within it"),
        ({"griffin_lim": {**MELS, "spread": "2"}}, "griffin_lim.spread: expected a number"),
        ({"files": {"../secret": "0" * 64}}, "files.../secret: expected a path below the folder"),
        ({"files": {"a": "123"}}, "files.a: expected a path below the folder, with a SHA-256"),
    ],
)
def test_r15_a_wrong_field_is_named_with_what_was_expected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message) as refused:
        parse(manifest_data(**changes))
    assert refused.value.code == "model.bad_manifest"


def test_r15_a_manifest_must_be_an_object() -> None:
    with pytest.raises(ModelError, match="expected an object, got"):
        parse([])


def test_r15_a_quality_adds_to_the_common_call_and_overrides_it() -> None:
    qualities = {"draft": {"steps": 4, "guidance_scale": 2.0}, "final": {"steps": 8}}
    manifest = parse(manifest_data(call={"guidance_scale": 3.0}, qualities=qualities))
    assert manifest.calls == {
        "draft": {"guidance_scale": 2.0, "steps": 4},
        "final": {"guidance_scale": 3.0, "steps": 8},
    }


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"prompt": "  "}, "take.bad_prompt", "1 to 4000 characters, got 0"),
        ({"prompt": "a" * 4001}, "take.bad_prompt", "got 4001"),
        ({"quality": "best"}, "take.bad_quality", "one of draft, final, got best"),
        ({"width": 64}, "take.bad_size", "one of 96x64, got 64x64"),
        ({"frames": 26}, "take.bad_frames", "one of 25, 17, got 26"),
        ({"seed": -1}, "take.bad_seed", "from 0 to 2147483647, got -1"),
        ({"seed": 2**31}, "take.bad_seed", "got 2147483648"),
        ({"light": "noon"}, "take.bad_light", "one of night, got noon"),
        ({"style": "neon"}, "take.bad_style", "one of none, got neon"),
    ],
)
def test_r14_a_job_that_is_not_on_offer_is_refused_by_name(fields: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(JobError, match=message) as refused:
        check(parse(manifest_data()), make_job(**fields))
    assert refused.value.code == code


def choice(name: str, phrase: str) -> dict[str, Any]:
    return {**CHOICE, "id": name, "phrase": phrase}


PHRASES = {
    "style": [choice("neon", "in neon style")],
    "light": [choice("night", "at night"), choice("sunset", "at sunset")],
    "pace": [choice("slow", "slowly"), choice("fast", "quickly")],
}


@pytest.mark.parametrize(
    ("prompt", "controls", "composed"),
    [
        ("a red ball bouncing", {}, "a red ball bouncing"),
        ("a red ball bouncing", {"light": "night"}, "a red ball bouncing at night"),
        ("a red ball\n bouncing. ", {"light": "night", "pace": "slow"}, "a red ball bouncing slowly at night"),
        ("a bell, bell chimes", {"style": "neon", "pace": "fast"}, "a bell quickly in neon style, bell chimes"),
        ("A boat AT NIGHT, waves", {"light": "night"}, "A boat AT NIGHT, waves"),
        ("un ballon, la nuit", {"light": "sunset"}, "un ballon at sunset, la nuit"),
    ],
)
def test_r16_phrases_join_the_first_clause(prompt: str, controls: dict[str, str], composed: str) -> None:
    manifest = parse(manifest_data(phrases="first_clause", controls=PHRASES))
    assert compose(manifest, make_job(prompt, **controls)) == composed


def test_r16_phrases_of_other_models_come_at_the_end() -> None:
    job = make_job("A street, rain. A car.", light="night")
    assert compose(parse(manifest_data()), job) == "A street, rain. A car, at night"
