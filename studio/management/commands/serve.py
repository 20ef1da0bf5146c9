"""Runs the web process alone: pages and sockets."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from studio.live.serve import serve


class Command(BaseCommand):
    help = "Serve pages and sockets until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", help="address to listen on, with --port")
        parser.add_argument("--port", type=int)
        parser.add_argument("--unix", help="path of a Unix socket to listen on")
        parser.add_argument("--fd", type=int, help="an open listening socket's descriptor")

    def handle(self, *args: Any, **options: Any) -> None:
        serve(host=options["host"], port=options["port"], unix=options["unix"], fd=options["fd"])
