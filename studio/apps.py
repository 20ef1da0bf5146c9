"""The studio's application: wires the rules to their edges once, when Django is ready."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "studio"

    def ready(self) -> None:
        from studio.domain import events
        from studio.live import broadcast, revocation

        events.on_publish(broadcast.publish_event)
        events.on_document(broadcast.publish_document)
        revocation.connect()
