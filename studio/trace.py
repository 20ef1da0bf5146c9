"""Which request, room and take the running code works for: log lines carry these beside their text.

Tasks and threads inherit the ids of whoever starts them. What outlives its first cause is started in ``only``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar
from types import MappingProxyType

NAMES = ("request", "room", "take")
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default=MappingProxyType({}))


def current() -> Mapping[str, str]:
    """The ids of the running code, by their names."""
    return _ids.get()


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Have what is logged inside carry these ids too."""
    before = _ids.set({**_ids.get(), **{name: str(value) for name, value in ids.items()}})
    try:
        yield
    finally:
        _ids.reset(before)


def only(**ids: object) -> Context:
    """A context for a task that serves many: it carries these ids, and none of whoever happens to start it."""
    context = Context()
    context.run(_ids.set, {name: str(value) for name, value in ids.items()})
    return context
