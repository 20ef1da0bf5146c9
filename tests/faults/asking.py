"""Takes, as the room socket asks for them."""

from typing import Any

from studio.domain import offers
from studio.jobs import queue
from studio.models import Take
from tests.factories import Cast, make_request


def ask(cast: Cast, quality: str = "final", **fields: Any) -> Take:
    """A take of the first shot, at the first size and length on offer."""
    offer = offers.current()
    request = make_request(cast.shots[0], quality=quality, size=offer.sizes[0].id, frames=offer.lengths[0], **fields)
    return queue.submit(cast.access(), request)
