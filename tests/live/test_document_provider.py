"""An unmodified npm ``y-websocket`` provider at the real studio: D-1 of studio/live/SPEC.md."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from project.env import ROOT
from tests.factories import Cast
from tests.helpers.studio import Studio

CLIENT = Path("tests/front/y_websocket_client.mjs")
DEADLINE_S = 20.0
LOOK_S = 0.02

Report = dict[str, Any]


class Provider:
    """A node process with one provider in it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, studio: Studio, project_id: object, shot: str, cookie: str) -> "Provider":
        server = f"{studio.url.replace('http', 'ws', 1)}/ws/rooms/{project_id}"
        process = await asyncio.create_subprocess_exec(
            "node", str(CLIENT), server, cookie, studio.url, shot,
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return cls(process)

    async def do(self, deed: str, **given: object) -> Report:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"deed": deed, **given}).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), DEADLINE_S)
        report: Report = json.loads(line)
        return report

    async def until(self, holds: Callable[[Report], object]) -> Report:
        """Look again and again until something holds: the other side of the pipe cannot wake us."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds(report := await self.do("look")):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            return report

    async def joined(self) -> "Provider":
        await self.do("connect")
        await self.until(lambda report: report["synced"] and report["text"])
        return self

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@pytest.fixture
def shot(cast: Cast) -> str:
    return str(cast.shots[0].pk)


@pytest.fixture
async def provider(studio: Studio, cast: Cast, shot: str) -> AsyncIterator[Any]:
    started: list[Provider] = []

    async def start(cookie: str) -> Provider:
        started.append(await Provider.start(studio, cast.project.pk, shot, cookie))
        return started[-1]

    yield start
    for each in started:
        await each.end()


async def test_d1_text_and_settings_sync(provider: Any, cookies: dict[str, str]) -> None:
    one, two = await (await provider(cookies["editor"])).joined(), await (await provider(cookies["owner"])).joined()
    await one.do("insert", at=0, text="Slowly, ")
    await two.do("set", key="seed", value=4_000_000_000)
    report = await two.until(lambda report: report["text"] == "Slowly, a red ball bounces at sunset")
    assert report["settings"]["quality"] == "draft"
    await one.until(lambda report: report["settings"]["seed"] == 4_000_000_000)


async def test_d1_awareness_says_who_it_really_is(provider: Any, cookies: dict[str, str], cast: Cast) -> None:
    one, two = await (await provider(cookies["editor"])).joined(), await (await provider(cookies["viewer"])).joined()
    client = str((await one.do("say", field="user", value={"name": "Somebody Else", "id": 1}))["client"])
    await one.do("say", field="cursor", value={"anchor": 3})
    report = await two.until(lambda report: report["states"].get(client, {}).get("cursor"))
    editor = cast.editor
    stamp = {"id": editor.pk, "name": editor.display_name, "colour": editor.colour, "role": "editor"}
    assert report["states"][client]["user"] == stamp
    await one.do("leave")
    await two.until(lambda report: client not in report["states"])


async def test_d1_edits_made_offline_merge_once(provider: Any, cookies: dict[str, str]) -> None:
    one, two = await (await provider(cookies["editor"])).joined(), await (await provider(cookies["owner"])).joined()
    await one.do("disconnect")
    for letter in "ylwolS":
        await one.do("insert", at=0, text=letter)
    await two.do("insert", at=0, text="Dawn. ")
    await two.until(lambda report: report["text"].startswith("Dawn. a red"))
    await one.do("connect")
    merged = await one.until(lambda report: "Dawn. " in report["text"])
    assert sorted(merged["text"]) == sorted("Slowly" + "Dawn. " + "a red ball bounces at sunset")
    await two.until(lambda report: report["text"] == merged["text"])
    for _ in range(2):
        await one.do("disconnect")
        await one.do("connect")
        await one.until(lambda report: report["synced"])
    assert (await two.do("look"))["text"] == merged["text"]


async def test_d9_a_viewer_reads_and_may_not_write(provider: Any, cookies: dict[str, str]) -> None:
    viewer, editor = (
        await (await provider(cookies["viewer"])).joined(),
        await (await provider(cookies["editor"])).joined(),
    )
    await editor.do("insert", at=0, text="A")
    await viewer.until(lambda report: report["text"].startswith("Aa red"))
    await viewer.do("insert", at=0, text="B")
    await viewer.until(lambda report: report["closeCode"] == 4411)
    assert (await editor.do("look"))["text"].startswith("Aa red")
