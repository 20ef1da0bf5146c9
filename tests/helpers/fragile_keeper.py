"""A keeper that dies of one word and hangs at another, for what no known update does to the real one."""

import os
import signal
import time

from studio.live import keeper
from studio.live.keeper_document import KeptDocument, Taken

DIE, HANG = b"kill the keeper", b"hang the keeper"

_check = KeptDocument.check


def _fragile(self: KeptDocument, updates: list[bytes], *limits: int) -> Taken:
    if any(DIE in update for update in updates):
        os.kill(os.getpid(), signal.SIGSEGV)
    if any(HANG in update for update in updates):
        time.sleep(60)
    return _check(self, updates, *limits)


if __name__ == "__main__":
    KeptDocument.check = _fragile  # type: ignore[method-assign, assignment]
    keeper.main()
