"""The one ASGI application: pages over HTTP, the two sockets of a room over websockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from channels.sessions import CookieMiddleware
from django.conf import settings

from project.traced import Traced
from studio.live.routing import websocket_urlpatterns

# Full origins: AllowedHostsOriginValidator would let in the same host on another port or scheme.
websocket_application = OriginValidator(
    # Whose session it is, the guard asks: of a socket that has been accepted, in the thread that asks what they may.
    CookieMiddleware(URLRouter(websocket_urlpatterns)),
    settings.ALLOWED_ORIGINS,
)

application = Traced(
    ProtocolTypeRouter({"http": django_application, "websocket": websocket_application}),
    behind_proxy=settings.PROXIES > 0,
)
