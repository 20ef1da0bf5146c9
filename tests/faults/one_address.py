"""Two web processes at one address, as ``manage.py up`` runs them: each inherits the open socket."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psutil

from studio.management.commands.up import BACKLOG
from tests.faults.editors import Editor
from tests.faults.part import Part
from tests.faults.stage import Stage

SPREAD_S = 60.0


class OneAddress:
    """An address, and the processes that take its connections; which one takes the next nobody can say."""

    def __init__(self, stage: Stage, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        words = "manage.py", "serve", "--fd", str(listener.fileno())
        self.webs = [stage.part(f"web-shared-{number}", *words, RUSHES_ORIGINS=self.url) for number in range(2)]
        for web in self.webs:
            web.inherits = (listener.fileno(),)

    def are_all(self, editors: Iterable[Editor], web: Part) -> bool:
        """Whether this process serves all of them."""
        return all(self.serving(editor.port) is web for editor in editors)

    def serving(self, port: int) -> Part | None:
        """Who has the other end of a connection from a port of ours."""
        return next((web for web in self.webs if web.is_alive and port in _peers(web)), None)

    async def spread(self, open_tab: Callable[..., Editor], count: int) -> dict[Part, list[Editor]]:
        """So many tabs in each process, each with the document."""
        found: dict[Part, list[Editor]] = {web: [] for web in self.webs}
        turns: Counter[str] = Counter(editor=0, owner=0)
        async with asyncio.timeout(SPREAD_S):
            while any(len(tabs) < count for tabs in found.values()):
                part = min(turns, key=turns.__getitem__)
                tab = await open_tab(part, [self.url]).ready()
                web = self.serving(tab.port)
                if web is None or len(found[web]) == count:
                    await tab.leave()
                else:
                    found[web].append(tab)
                    turns[part] += 1
        return found


def _peers(web: Part) -> set[int]:
    return {link.raddr.port for link in psutil.Process(web.pid).net_connections("tcp") if link.raddr}


@contextmanager
def one_address(stage: Stage) -> Iterator[OneAddress]:
    """Both processes for as long as the block lasts."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        shared = OneAddress(stage, listener)
        try:
            for web in shared.webs:
                web.start()
            yield shared
        finally:
            for web in shared.webs:
                web.stop()
