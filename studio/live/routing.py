"""Addresses of the sockets."""

from django.urls import path, re_path

from studio.live.consumers import Nowhere, RoomConsumer
from studio.live.document import DocumentSession

websocket_urlpatterns = [
    path("ws/rooms/<uuid:project_id>/", RoomConsumer.as_asgi()),
    path("ws/rooms/<uuid:project_id>/doc", DocumentSession.as_asgi()),
    re_path("", Nowhere.as_asgi()),
]
