"""The studio's application: wires the rules to their edges once, when Django is ready."""

from functools import partial

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"

    def ready(self) -> None:
        from studio.domain import events
        from studio.live import broadcast, revocation, threads
        from studio.web import health

        events.on_publish(broadcast.publish_event)
        events.on_document(broadcast.publish_document)
        revocation.connect()
        health.PROBES.append(health.Probe("sockets", partial(threads.await_life, health.PROBE_TIMEOUT_S)))
