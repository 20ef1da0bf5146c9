"""Mails are sent beside the page that they belong to, which waits a moment for how it ends."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from contextvars import copy_context
from threading import BoundedSemaphore, Thread

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

logger = logging.getLogger(__name__)

PATIENCE_S = 1.5
"""Less than the 2 s after which a page whose session has changed is asked once more."""
AT_ONCE = 20
"""Mails that a mail server which hangs can hold."""
_places = BoundedSemaphore(AT_ONCE)


class Backend(EmailBackend):
    """Django's SMTP backend, in a thread that a process which stops does not wait for.

    A page can tell of a mail server that refuses. Of one that is slow or says nothing only the log can.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send these; how many were sent, or are being sent after PATIENCE_S.

        Raises:
            OSError: the mail server refused them, or could not be reached, within PATIENCE_S; or AT_ONCE are on their
                way already.
        """
        if not _places.acquire(blocking=False):
            raise OSError(f"{AT_ONCE} mails are on their way already")
        outcome: Future[int] = Future()
        arguments = self._deliver, email_messages, outcome
        try:
            Thread(target=copy_context().run, args=arguments, name="mail", daemon=True).start()
        except RuntimeError as error:
            _places.release()
            raise OSError("there is no thread for another mail") from error
        try:
            return outcome.result(PATIENCE_S)
        except TimeoutError:
            if outcome.cancel():
                return len(email_messages)
            return outcome.result()

    def _deliver(self, email_messages: Sequence[EmailMessage], outcome: "Future[int]") -> None:
        try:
            sent = super().send_messages(email_messages)
        except Exception as error:
            if outcome.set_running_or_notify_cancel():
                outcome.set_exception(error)
            else:
                logger.exception("a mail was not sent")
        else:
            if outcome.set_running_or_notify_cancel():
                outcome.set_result(sent or 0)
        finally:
            _places.release()
