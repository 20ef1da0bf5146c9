"""Mail is sent while a page waits for it."""

import socket
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.smtp import EmailBackend
from pytest_django import Settings

from project import settings as given


def test_a_mail_server_that_says_nothing_is_given_up(settings: Settings) -> None:
    assert given.EMAIL_TIMEOUT == 10
    settings.EMAIL_TIMEOUT = 0.05
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        message = mail.EmailMessage("Rushes", "…", to=["mia@example.com"], connection=EmailBackend())
        with pytest.raises(SMTPServerDisconnected, match="timed out"):
            message.send()
