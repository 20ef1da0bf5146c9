"""Chromium as the tests start it, and what it had to complain of."""

import os
import re
import shutil
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, BrowserType, ConsoleMessage, Request, WebError

ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    "--no-first-run",
)


def launch(chromium: BrowserType) -> Browser:
    """Start the Chromium that ``tools/browser.py`` found, or else the system's."""
    path = os.environ.get("RUSHES_CHROMIUM") or shutil.which("chromium")
    return chromium.launch(executable_path=path, args=list(ARGUMENTS))


@dataclass
class Complaints:
    """Console errors and warnings, page errors and failed requests of one browser context."""

    found: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)
    messages: int = 0
    """Console messages of any kind."""

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("requestfailed", self._on_request)

    def expect(self, *patterns: str) -> None:
        """Say what will be complained of from here on because the test brings it about."""
        self.expected += [re.compile(pattern) for pattern in patterns]

    def _on_console(self, message: ConsoleMessage) -> None:
        self.messages += 1
        if message.type in ("error", "warning", "assert"):
            self._note(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self._note(f"page error: {error.error}")

    def _on_request(self, request: Request) -> None:
        # Aborted is what the browser itself broke off: a page that was left, a clip that another one replaced.
        if request.failure != "net::ERR_ABORTED":
            self._note(f"request failed: {request.method} {request.url}: {request.failure}")

    def _note(self, text: str) -> None:
        if not any(pattern.search(text) for pattern in self.expected):
            self.found.append(text)
