"""Addresses of the pages, of media and of health."""

from django.urls import path
from django.views.generic import RedirectView

from studio.web import accounts, health, media, views

urlpatterns = [
    path("", views.front, name="front"),
    path("try/", views.try_now, name="try"),
    path("projects/", views.projects, name="projects"),
    path("projects/new/", views.project_create, name="project_create"),
    path("projects/<uuid:project_id>/", views.room, name="room"),
    path("projects/<uuid:project_id>/delete/", views.project_delete, name="project_delete"),
    path("projects/<uuid:project_id>/invite/", views.invite, name="invite"),
    path("join/<str:token>/", views.join, name="join"),
    path("keep/", views.keep, name="keep"),
    path("accounts/email/", accounts.email, name="account_email"),
    path("accounts/password/set/", accounts.password_set, name="account_set_password"),
    path("media/takes/<uuid:take_id>/clip.mp4", media.clip, name="clip"),
    path("media/takes/<uuid:take_id>/poster.jpg", media.poster, name="poster"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("favicon.ico", RedirectView.as_view(url="/static/favicon.svg", permanent=True)),
]
