"""Who is rendered beside whom: rule J20."""

import asyncio
from uuid import UUID, uuid4

from studio.jobs.gate import Gate


class Visitors:
    """Attempts that say when they are inside, and leave when told to."""

    def __init__(self) -> None:
        self.gate, self.inside, self.sent_away = Gate(), list[str](), list[str]()
        self.takes: dict[str, UUID] = {}
        self._leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, *, alone: bool = False) -> None:
        self._leave[name], self.takes[name] = asyncio.Event(), uuid4()
        self._tasks[name] = asyncio.create_task(self._visit(name, alone))
        await settled()

    async def go(self, name: str) -> None:
        self._leave[name].set()
        await self._tasks[name]
        await settled()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.gather(self._tasks[name], return_exceptions=True)
        await settled()

    async def _visit(self, name: str, alone: bool) -> None:
        async with self.gate.entered(self.takes[name], alone=alone) as is_inside:
            if not is_inside:
                self.sent_away.append(name)
                return
            self.inside.append(name)
            try:
                await self._leave[name].wait()
            finally:
                self.inside.remove(name)


async def settled() -> None:
    """Give every task that can go on its turns."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_j20_attempts_go_side_by_side() -> None:
    visitors = Visitors()
    for name in "abc":
        await visitors.come(name)
    assert visitors.inside == ["a", "b", "c"]


async def test_j20_a_last_try_waits_for_all_is_alone_and_holds_up_who_comes_after_it() -> None:
    visitors = Visitors()
    await visitors.come("a")
    await visitors.come("last", alone=True)
    await visitors.come("b")
    assert visitors.inside == ["a"]
    await visitors.go("a")
    assert visitors.inside == ["last"]
    await visitors.go("last")
    assert visitors.inside == ["b"]


async def test_j20_two_last_tries_are_alone_one_after_the_other() -> None:
    visitors = Visitors()
    await visitors.come("one", alone=True)
    await visitors.come("two", alone=True)
    assert visitors.inside == ["one"]
    await visitors.go("one")
    assert visitors.inside == ["two"]


async def test_j20_a_last_try_that_gives_up_waiting_lets_the_others_in() -> None:
    visitors = Visitors()
    await visitors.come("a")
    await visitors.come("last", alone=True)
    await visitors.come("b")
    await visitors.give_up("last")
    assert visitors.inside == ["a", "b"]


async def test_j20_a_last_try_that_is_sent_away_lets_the_others_in_and_is_not_inside() -> None:
    visitors = Visitors()
    await visitors.come("a")
    await visitors.come("last", alone=True)
    await visitors.come("b")
    assert visitors.gate.waiting == {visitors.takes["last"], visitors.takes["b"]}
    visitors.gate.send_away(visitors.takes["last"])
    await settled()
    assert (visitors.inside, visitors.sent_away) == (["a", "b"], ["last"])
    assert visitors.gate.waiting == set()


async def test_j20_who_is_inside_is_not_sent_away_and_stays_alone() -> None:
    visitors = Visitors()
    await visitors.come("last", alone=True)
    visitors.gate.send_away(visitors.takes["last"])
    await visitors.come("b")
    assert visitors.inside == ["last"]
    await visitors.go("last")
    assert visitors.inside == ["b"]
