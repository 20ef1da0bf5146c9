"""Addresses of the whole site."""

from django.urls import include, path

urlpatterns = [
    # First ours: two of allauth's pages are not for guests.
    path("", include("studio.web.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
