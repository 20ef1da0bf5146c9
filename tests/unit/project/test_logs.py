"""What the log must not hold."""

import logging

import pytest

from project.logs import HideTokens


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        (
            "Forbidden (%s): %s",
            ("CSRF token missing.", "/join/abc-DEF_9/"),
            "Forbidden (CSRF token missing.): /join/…/",
        ),
        ("Not Found: /accounts/password/reset/key/1-secret/", (), "Not Found: /accounts/password/reset/key/…/"),
        ("Not Found: %s", ("/projects/",), "Not Found: /projects/"),
    ],
)
def test_tokens_of_links_stay_out_of_the_log(message: str, arguments: tuple[object, ...], shown: str) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "here", 1, message, arguments, None)
    assert HideTokens().filter(record)
    assert record.getMessage() == shown
