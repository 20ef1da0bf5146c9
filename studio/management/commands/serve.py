"""Runs the web process alone: pages and sockets."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studio.live import serve


class Command(BaseCommand):
    help = "Serve pages and sockets until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", help="address to listen on, with --port")
        parser.add_argument("--port", type=int)
        parser.add_argument("--unix", help="path of a Unix socket to listen on")
        parser.add_argument("--fd", type=int, help="an open listening socket's descriptor")
        parser.add_argument("--pulse-fd", type=int, help="a pipe to write a byte to, every second")
        parser.add_argument("--uvicorn", action="store_true", help="under uvicorn, if it is installed, not Daphne")

    def handle(self, *args: Any, **options: Any) -> None:
        where = {name: options[name] for name in ("host", "port", "unix")}
        if not options["uvicorn"]:
            serve.serve(**where, fd=options["fd"], pulse_fd=options["pulse_fd"])
            return
        if options["fd"] is not None or options["pulse_fd"] is not None:
            raise CommandError("--uvicorn: expected --port or --unix, got --fd or --pulse-fd")
        try:
            from studio.live import under_uvicorn
        except ModuleNotFoundError as error:
            raise CommandError(f"expected uvicorn to be installed, found no {error.name}") from error
        under_uvicorn.serve(**where)
