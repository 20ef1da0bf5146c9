"""Mail is sent beside its page."""

import logging
import socket
import threading
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.core.mail.backends.smtp import EmailBackend
from pytest_django import Settings

from project import settings as given
from studio.web import post


def test_a_mail_server_that_says_nothing_is_given_up(settings: Settings) -> None:
    assert given.EMAIL_TIMEOUT == 10
    settings.EMAIL_TIMEOUT = 0.05
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        message = mail.EmailMessage("Rushes", "…", to=["mia@example.com"], connection=EmailBackend())
        with pytest.raises(SMTPServerDisconnected, match="timed out"):
            message.send()


def _message() -> mail.EmailMessage:
    return mail.EmailMessage("Rushes", "…", to=["mia@example.com"], connection=post.Backend())


def test_a_page_does_not_wait_for_a_slow_mail_server_and_the_log_says_how_it_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "PATIENCE_S", 0.05)
    told = threading.Event()
    monkeypatch.setattr(logging.getLogger(post.__name__), "exception", lambda *words: told.set())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        assert _message().send() == 1
        assert not told.is_set()
    assert told.wait(5), "the server went away without a word"


def _serve_one(listener: socket.socket, told: list[bytes]) -> None:
    """Take one mail, as a mail server does."""
    with listener.accept()[0] as link, link.makefile("rb") as lines:
        link.sendall(b"220 ready\r\n")
        for line in lines:
            verb = line[:4].upper()
            if verb == b"DATA":
                link.sendall(b"354 go on\r\n")
                while (line := lines.readline()) != b".\r\n":
                    told.append(line)
            link.sendall(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


def test_a_mail_server_gets_the_mail(settings: Settings) -> None:
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.EMAIL_HOST, settings.EMAIL_PORT = listener.getsockname()
        serving = threading.Thread(target=_serve_one, args=(listener, told), daemon=True)
        serving.start()
        assert _message().send() == 1
        serving.join(5)
    assert b"Subject: Rushes\r\n" in told


def test_a_mail_too_many_is_refused_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "_places", threading.BoundedSemaphore(1))
    assert post._places.acquire(blocking=False)
    with pytest.raises(OSError, match="on their way"):
        _message().send()


def test_a_mail_that_gets_no_thread_is_refused_and_keeps_no_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(post, "_places", places)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="no thread"):
        _message().send()
    assert places.acquire(blocking=False)


def test_what_a_mail_server_refuses_at_once_is_raised(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        settings.EMAIL_HOST, settings.EMAIL_PORT = gone.getsockname()
    with pytest.raises(ConnectionRefusedError):
        _message().send()
