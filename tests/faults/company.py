"""Several editors in one prompt, who type until they are told to rest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.editors import DEADLINE_S, Editor, until


class Company:
    """Some editors in one prompt, each typing at its own pace while ``typing``."""

    def __init__(self, editors: list[Editor], rate_hz: float) -> None:
        self.editors, self._rate_hz, self._typing = editors, rate_hz, asyncio.Event()
        self._tasks = [asyncio.create_task(self._type(editor)) for editor in editors]

    def type(self) -> None:
        self._typing.set()

    def rest(self) -> None:
        self._typing.clear()

    async def wrote(self, edits: int) -> None:
        """Wait until so many further edits have been acknowledged."""
        before = self.acknowledged
        what = f"{edits} more acknowledged edits"
        await until(lambda: self.check() and self.acknowledged >= before + edits, DEADLINE_S, what)

    @property
    def acknowledged(self) -> int:
        return sum(editor.acknowledged for editor in self.editors)

    def check(self) -> bool:
        """True; raises what ended anybody, if anything did."""
        for editor in self.editors:
            editor.check()
        for task in self._tasks:
            if task.done():
                task.result()
        return True

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        for editor in self.editors:
            await editor.leave()

    async def _type(self, editor: Editor) -> None:
        while True:
            await self._typing.wait()
            editor.edit()
            await asyncio.sleep(editor.chance.uniform(0.5, 1.5) / self._rate_hz)


@asynccontextmanager
async def company(editors: list[Editor], rate_hz: float = 3.0) -> AsyncIterator[Company]:
    """Editors that have the document, and type from now on."""
    together = Company(editors, rate_hz)
    try:
        for editor in editors:
            await editor.ready()
        together.type()
        yield together
    finally:
        await together.leave()
