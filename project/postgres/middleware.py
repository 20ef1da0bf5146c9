"""Gives a request's connection back to the pool before its answer is sent."""

from collections.abc import Callable

from django.db import connections
from django.http import HttpRequest, HttpResponse


class GiveBack:
    """The outermost middleware. Django itself gives a connection back when the last byte of an answer has gone, so
    that a dozen who read slowly would empty the pool; a stream that asks the database while it is sent gets another.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for connection in connections.all(initialized_only=True):
            # Only a test asks for a page inside a transaction.
            if not connection.in_atomic_block:
                connection.close()
        return response
